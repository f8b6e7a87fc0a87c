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
  if (holder !== process.pid && isRunning(holder)) throw alreadyTaken(folder, holder);
  await rm(file, { force: true });
  // `wx`: of two that come at the same moment, one gets it.
  await writeFile(file, String(process.pid), { flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      throw error.code === 'EEXIST' ? alreadyTaken(folder, undefined) : error;
    },
  );
  return () => rm(file, { force: true });
}

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
