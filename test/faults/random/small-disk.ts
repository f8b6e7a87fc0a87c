import { execFile } from 'node:child_process';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Twice what two runs of eighteen slots may stage by their `maxItemSize`, or their preflight would refuse to start them. */
const diskBytes = 80_000_000;

/** A disk that can be filled. */
export type SmallDisk = {
  /** Leaves no room on it until the function that comes back is called. */
  readonly fill: () => Promise<() => Promise<void>>;
  readonly unmount: () => Promise<void>;
};

/**
 * Mounts a small disk on a folder. It takes a mount namespace of our own (`unshare --user --map-root-user --mount`), whose
 * processes alone see it.
 */
export async function mountSmallDisk(folder: string): Promise<SmallDisk> {
  await run('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'spotloop', folder]);
  const filler = join(folder, 'filler');
  return {
    fill: async () => {
      const { bavail, bsize } = await statfs(folder);
      await writeFile(filler, Buffer.alloc(bavail * bsize)).catch((error: unknown) => {
        // Somebody was faster: it is as full.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      });
      return () => rm(filler);
    },
    // A killed downloader's programs may still have files open.
    unmount: async () => {
      await run('umount', ['--lazy', folder]);
    },
  };
}
