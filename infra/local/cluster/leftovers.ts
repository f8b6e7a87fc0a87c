/**
 * What a cluster leaves when its process is killed: programs that are about to end by themselves, cgroups, bridges and
 * files. A record names its folder. Whoever has the machine's lock may take all of it away.
 */
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readSurroundings } from '../install/surroundings.ts';
import {
  listBridges,
  listCgroups,
  listProcessesOf,
  removeBridge,
  removeCgroups,
} from './node-traces.ts';
import { waitUntil } from './wait-until.ts';

/** What a cluster makes in its folder, beside the logs. */
export const ownEntries = ['etcd', 'images', 'kubeconfigs', 'nodes', 'pki'];

/** Names the folder of the cluster that runs, or ran until its process was killed. */
const recordFile = '/run/spotloop-cluster';

/** Programs end within their grace time (3 s and 10 s) when we die; what is left then is killed. */
const endMs = 12_000;
const killedMs = 10_000;

/** What a stranger's node, or an engine that we would disturb, is recognised by. */
const foreignPrograms: ReadonlySet<string> = new Set([
  'containerd',
  'crio',
  'dockerd',
  'k0s',
  'k3s',
  'kubelet',
  'kubelite',
]);

/** One process, as far as it matters here. */
export type ProcessTrace = {
  pid: number;
  /** The name it was called by, which need not be that of its program. */
  name: string;
  /** The path of its program, or empty when it has none (a kernel thread) or has ended. */
  program: string;
  args: readonly string[];
};

/** Writes down where the cluster is that is about to start. */
export async function recordCluster(folder: string): Promise<void> {
  await writeFile(recordFile, `${folder}\n`);
}

/** Says that the cluster is gone, with all that was its own. */
export async function forgetCluster(): Promise<void> {
  await rm(recordFile, { force: true });
}

/**
 * Ends and removes what a killed cluster left, and throws when somebody else's kubelet, containerd or Docker runs. `folder`
 * is where the new one is to be. Only for who has the machine's lock.
 */
export async function clearLeftovers(folder: string): Promise<void> {
  const recorded = (await readFile(recordFile, 'utf8').catch(() => '')).trim();
  const folders = [...new Set([folder, recorded])].filter((one) => one !== '');
  await endPrograms(folders);
  const foreign = (await readProcesses()).filter(isForeign);
  if (foreign.length > 0) throw new Error(describeForeign(foreign));
  for (const name of await listCgroups()) await removeCgroups(name);
  for (const name of await listBridges()) await removeBridge(name);
  for (const one of folders) {
    for (const entry of ownEntries) await rm(join(one, entry), { recursive: true, force: true });
  }
  await forgetCluster();
}

/** Whether it is a program from our cache that works in one of these folders. */
export function isLeftover(
  { program, args }: ProcessTrace,
  binFolder: string,
  folders: readonly string[],
): boolean {
  if (!program.startsWith(`${binFolder}/`)) return false;
  return args.some((arg) => folders.some((folder) => `${arg}/`.includes(`${folder}/`)));
}

/** Whether it is a node or an engine of somebody else; ours have been ended before. */
export function isForeign({ name, program, args }: ProcessTrace): boolean {
  // It has ended, and its parent has yet to notice: one of ours, or nobody's problem.
  if (program === '' && args.length === 0) return false;
  return foreignPrograms.has(name) || foreignPrograms.has(basename(program));
}

/** Says what runs, and what to do. */
export function describeForeign(foreign: readonly ProcessTrace[]): string {
  const list = foreign
    .map(({ pid, name, program }) => `${program || name} (process ${pid})`)
    .join(', ');
  return `start a cluster: ${list} is running, which is not ours and shares cgroups and network with it — stop it, use another machine, or name a cluster of this machine in KUBECONFIG and a downloader image there in SPOTLOOP_IMAGES`;
}

async function endPrograms(folders: readonly string[]): Promise<void> {
  const list = async (): Promise<number[]> => {
    const binFolder = join(readSurroundings().cacheFolder, 'bin');
    const programs = (await readProcesses()).filter((one) => isLeftover(one, binFolder, folders));
    const contained = await Promise.all((await listCgroups()).map(listProcessesOf));
    return [...new Set([...programs.map(({ pid }) => pid), ...contained.flat()])];
  };
  const areGone = async (): Promise<boolean> => (await list()).length === 0;
  try {
    await waitUntil(
      { doing: 'wait for the programs of a killed cluster', timeoutMs: endMs },
      areGone,
    );
  } catch {
    for (const pid of await list()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await waitUntil(
      { doing: 'kill the programs of a killed cluster', timeoutMs: killedMs },
      areGone,
    );
  }
}

async function readProcesses(): Promise<ProcessTrace[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    pids.map(async (pid) => ({
      pid: Number(pid),
      name: (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim(),
      program: await readlink(`/proc/${pid}/exe`).catch(() => ''),
      args: (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
        .split('\0')
        .filter((arg) => arg !== ''),
    })),
  );
}
