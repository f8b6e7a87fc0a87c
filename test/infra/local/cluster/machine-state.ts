import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Folders in which kubelets, container runtimes and network plug-ins usually leave something. */
const folders = [
  '/etc',
  '/etc/systemd',
  '/opt',
  '/run',
  '/run/netns',
  '/sys/class/net',
  '/var/lib',
  '/var/log',
  '/sys/fs/cgroup',
  '/sys/fs/cgroup/memory',
  '/sys/fs/cgroup/cpuset',
];

/** What of the kernel's settings a kubelet or a network plug-in changes. */
const settings = [
  'kernel/keys/root_maxbytes',
  'kernel/keys/root_maxkeys',
  'kernel/panic',
  'kernel/panic_on_oops',
  'net/ipv4/conf/all/forwarding',
  'net/ipv4/ip_forward',
  'vm/overcommit_memory',
  'vm/panic_on_oom',
];

/** What a cluster could leave on a machine: files, cgroups, links, mounts, settings. Equal before and after it. */
export async function readMachineState(): Promise<Record<string, unknown>> {
  const entries = folders.map(async (folder) => {
    const names: string[] = await readdir(folder).catch(() => []);
    return [folder, names.toSorted()] as const;
  });
  const values = settings.map(async (name) => {
    return [name, await readFile(join('/proc/sys', name), 'utf8')] as const;
  });
  return {
    ...Object.fromEntries(await Promise.all([...entries, ...values])),
    mounts: await readFile('/proc/self/mounts', 'utf8'),
  };
}

/** The processes, but us, that work in a folder, or in a cgroup or a namespace of a cluster's node. */
export async function listProcessesIn(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const ours = await readlink('/proc/self/ns/pid');
  const found = pids.map(async (pid) => {
    const read = (name: string): Promise<string> =>
      readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
    const command = (await read('cmdline')).replaceAll('\0', ' ');
    const namespace = await readlink(`/proc/${pid}/ns/pid`).catch(() => ours);
    const isOurs =
      command.includes(`${folder}/`) ||
      (await read('cgroup')).includes('spotloop-') ||
      (namespace !== ours && (await read('mountinfo')).includes(`${folder}/`));
    return isOurs && Number(pid) !== process.pid ? [`${pid} ${command}`] : [];
  });
  return (await Promise.all(found)).flat();
}
