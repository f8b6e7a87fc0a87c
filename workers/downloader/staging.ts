import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Where files wait on their way to the bucket: one folder a downloader, in it one folder an attempt. */
export type Staging = {
  /** Gives `work` a fresh folder, which is gone when the promise settles, whichever way. */
  withFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result>;
  /** Removes the downloader's own folder. */
  close(): Promise<void>;
};

const folderPattern = /^downloader-(\d+)-/;

/** A program that was killed a moment ago may still be writing its last file. */
const removal = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 } as const;

/**
 * Makes this downloader's folder in `root`, which must be on a disk of this machine, and removes the folders of
 * dead downloaders. The name carries the process id: a folder whose process lives is another downloader's and is left
 * alone; our own id is a predecessor's, for in a container ids repeat.
 * @throws Error when the folder can't be made.
 */
export async function openStaging(root: string, processId: number): Promise<Staging> {
  await mkdir(root, { recursive: true });
  for (const name of await readdir(root)) {
    const owner = folderPattern.exec(name)?.[1];
    if (owner === undefined) continue;
    const ownerId = Number(owner);
    if (ownerId === processId || !isAlive(ownerId)) await rm(join(root, name), removal);
  }
  const own = await mkdtemp(join(root, `downloader-${processId}-`));
  return {
    async withFolder(work) {
      const folder = await mkdtemp(join(own, 'attempt-'));
      try {
        return await work(folder);
      } finally {
        await rm(folder, removal);
      }
    },
    close: () => rm(own, removal),
  };
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
