/**
 * What of a node is outside its namespaces: a cgroup in each hierarchy and a bridge, all of the node's own name.
 */
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runStep } from '../install/run-step.ts';
import { waitUntil } from './wait-until.ts';

/** What every cgroup and bridge of ours begins with. */
export const tracePrefix = 'spotloop-';

/** The folder that a hierarchy of cgroups is mounted at, and its version. */
export type CgroupMount = { folder: string; version: 1 | 2 };

/** The killed processes of a cgroup are gone within a second; a busy machine may need more. */
const emptyMs = 15_000;
const hint = 'is the kernel built with bridges (CONFIG_BRIDGE)?';

/** The mounts of cgroups in the text of /proc/mounts. */
export function parseCgroupMounts(text: string): CgroupMount[] {
  return text.split('\n').flatMap((line): CgroupMount[] => {
    const [, folder = '', kind] = line.split(' ');
    if (!folder.startsWith('/sys/fs/cgroup')) return [];
    if (kind === 'cgroup') return [{ folder, version: 1 }];
    return kind === 'cgroup2' ? [{ folder, version: 2 }] : [];
  });
}

/** Makes the node's cgroup in every hierarchy; the kubelet wants it to be there. */
export async function createCgroups(name: string): Promise<void> {
  for (const { folder, version } of await readCgroupMounts()) {
    if (version === 2) await enableControllers(folder);
    const cgroup = join(folder, name);
    await mkdir(cgroup, { recursive: true });
    // In version 1 these start empty, and nothing can run in such a cgroup.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const value = version === 1 ? await readIfThere(join(folder, file)) : undefined;
      if (value !== undefined) await writeFile(join(cgroup, file), value);
    }
  }
}

/** Removes a cgroup and all below in every hierarchy. Its processes must have been killed. */
export async function removeCgroups(name: string): Promise<void> {
  for (const { folder } of await readCgroupMounts()) {
    const cgroup = join(folder, name);
    await waitUntil({ doing: `remove the cgroup ${cgroup}`, timeoutMs: emptyMs }, async () => {
      await removeTree(cgroup);
      return true;
    });
  }
}

/** The names of our cgroups. */
export async function listCgroups(): Promise<string[]> {
  const mounts = await readCgroupMounts();
  const names = await Promise.all(mounts.map(({ folder }) => readdir(folder)));
  return [...new Set(names.flat())].filter((name) => name.startsWith(tracePrefix));
}

/** The processes of a cgroup and all below. */
export async function listProcessesOf(name: string): Promise<number[]> {
  const pids = new Set<number>();
  for (const { folder } of await readCgroupMounts()) {
    const cgroup = join(folder, name);
    const entries = await readdir(cgroup, { recursive: true }).catch(() => []);
    for (const file of entries.filter((entry) => entry.endsWith('cgroup.procs'))) {
      const text = await readIfThere(join(cgroup, file));
      for (const pid of text?.split('\n') ?? []) if (pid !== '') pids.add(Number(pid));
    }
  }
  return [...pids];
}

/** Makes the bridge that the node's pods are connected to. It has the node's address, which only this machine reaches. */
export async function createBridge(name: string, address: string): Promise<void> {
  const doing = `make the bridge ${name}`;
  const ip = (...args: string[]): Promise<string> => runStep({ doing, command: 'ip', args, hint });
  await ip('link', 'add', name, 'type', 'bridge');
  await ip('address', 'add', `${address}/24`, 'dev', name);
  await ip('link', 'set', name, 'up');
}

/** Removes a bridge; absent is fine. */
export async function removeBridge(name: string): Promise<void> {
  if (!(await listBridges()).includes(name)) return;
  await runStep({
    doing: `remove the bridge ${name}`,
    command: 'ip',
    args: ['link', 'delete', name],
    hint,
  });
}

/** The names of our bridges. */
export async function listBridges(): Promise<string[]> {
  return (await readdir('/sys/class/net')).filter((name) => name.startsWith(tracePrefix));
}

async function readCgroupMounts(): Promise<CgroupMount[]> {
  return parseCgroupMounts(await readFile('/proc/self/mounts', 'utf8'));
}

async function enableControllers(folder: string): Promise<void> {
  const offered = (await readIfThere(join(folder, 'cgroup.controllers'))) ?? '';
  const words = offered
    .trim()
    .split(' ')
    .filter((word) => word !== '');
  if (words.length === 0) return;
  await writeFile(
    join(folder, 'cgroup.subtree_control'),
    words.map((word) => `+${word}`).join(' '),
  );
}

async function removeTree(cgroup: string): Promise<void> {
  const entries = await readdir(cgroup, { withFileTypes: true }).catch(ignoreAbsent);
  for (const entry of entries ?? []) {
    if (entry.isDirectory()) await removeTree(join(cgroup, entry.name));
  }
  await rmdir(cgroup).catch(ignoreAbsent);
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(ignoreAbsent);
}

function ignoreAbsent(error: NodeJS.ErrnoException): undefined {
  // ENODEV: a cgroup that is being removed.
  if (error.code !== 'ENOENT' && error.code !== 'ENODEV') throw error;
}
