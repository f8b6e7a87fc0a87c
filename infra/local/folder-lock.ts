import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Takes a folder for this process, so that no two stacks write one database and one bucket; gives back how to release it.
 * A lock whose process is gone counts for nothing.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'stack.pid');
  const holder = Number(await readFile(file, 'utf8').catch(() => '0'));
  // Our own pid may be that of a dead holder, too: in a container they repeat.
  const isTaken = holder === process.pid ? ours.has(file) : isRunning(holder);
  if (isTaken) throw alreadyTaken(folder, holder);
  await rm(file, { force: true });
  // `wx`: of two that come at the same moment, one gets it.
  await writeFile(file, String(process.pid), { flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? alreadyTaken(folder, undefined) : error;
    },
  );
  ours.add(file);
  return async () => {
    ours.delete(file);
    await rm(file, { force: true });
  };
}

/** What this process holds. */
const ours = new Set<string>();

function alreadyTaken(folder: string, pid: number | undefined): Error {
  const process = pid === undefined ? '' : ` (process ${pid})`;
  return new Error(
    `start the local stack in ${folder}: one is running there already${process} — stop it, or use another folder with --folder`,
  );
}

function isRunning(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
