import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../process/log.ts';
import { takeOwnerLock } from './owner-lock.ts';
import type { OwnerLock } from './owner-lock.ts';
import { messageOf } from './remote-errors.ts';

/** Where files wait on their way to the bucket: one folder a downloader, in it one folder an attempt. */
export type Staging = {
  /**
   * Removes what dead downloaders left in the same root. What can't be removed, such as another user's, is only logged:
   * it costs room, not correctness.
   */
  removeDead(): Promise<void>;
  /** Gives `work` a fresh folder, which is gone when the promise settles, whichever way. */
  withFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result>;
  /** Removes the downloader's own folder. */
  close(): Promise<void>;
};

const folderPrefix = 'downloader-';

/** In each downloader's folder; locked by its owner. It is the last file to be removed from a folder. */
const ownerFile = 'owner';

/** Somebody who cleans may take a new folder for an abandoned one, in the instant before it is locked: then once more. */
const makingTries = 10;

/** A program that was killed a moment ago may still be writing its last file. */
const removal = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 } as const;

/**
 * Makes this downloader's folder in `root`, which must be on a disk of this machine: one disk may serve several pods of
 * a node. Who owns a folder holds the lock of its file `owner`, and nobody removes a folder without having that lock. So
 * a folder whose lock is free has a dead owner.
 * @throws Error when the folder can't be made.
 */
export async function openStaging(root: string, log: Log): Promise<Staging> {
  await mkdir(root, { recursive: true });
  const { own, lock } = await makeOwn(root);
  return {
    async removeDead() {
      for (const name of await readdir(root)) {
        const folder = join(root, name);
        if (!name.startsWith(folderPrefix) || folder === own) continue;
        await removeIfDead(folder).catch((error: unknown) => {
          // Somebody else may clean at the same time, and be done.
          if (!existsSync(folder)) return;
          log.warn({ folder, reason: messageOf(error) }, 'staged files of another are left alone');
        });
      }
    },
    async withFolder(work) {
      const folder = await mkdtemp(join(own, 'attempt-'));
      try {
        return await work(folder);
      } finally {
        await rm(folder, removal);
      }
    },
    async close() {
      await removeOwned(own);
      lock.release();
    },
  };
}

async function makeOwn(root: string): Promise<{ own: string; lock: OwnerLock }> {
  for (let tries = 1; ; tries += 1) {
    const own = await mkdtemp(join(root, folderPrefix));
    const file = join(own, ownerFile);
    try {
      const lock = takeOwnerLock(file, { create: true });
      // Locked and still there: from now on nobody removes it.
      if (lock !== null && existsSync(file)) return { own, lock };
      lock?.release();
    } catch (error) {
      if (existsSync(own)) throw error;
    }
    if (tries === makingTries)
      throw new Error(`folder ${own}: removed by somebody again and again`);
  }
}

async function removeIfDead(folder: string): Promise<void> {
  const file = join(folder, ownerFile);
  if (!existsSync(file)) {
    // Just made, or all but removed: empty. Anything else was not made by a downloader, and this throws.
    await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    return;
  }
  const lock = takeOwnerLock(file, { create: false });
  if (lock === null) return;
  try {
    await removeOwned(folder);
  } finally {
    lock.release();
  }
}

/** The owner's file last: a folder whose removal was interrupted can still be told to be dead. */
async function removeOwned(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) if (name !== ownerFile) await rm(join(folder, name), removal);
  await rm(folder, removal);
}
