import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * What a name is called but for the hash at its end, and the ending of a file: `images/downloader-4f1c2ab90e77.tar` is one of
 * `downloader`.
 */
const hashedName = /^(.+)-[0-9a-f]{12}(\.tar)?$/;

/**
 * Notes that a file or folder of the cache was used now, and removes those of its name that were used longest ago, but for
 * some: who goes back and forth between two branches has both at hand.
 */
export async function keepNewest(path: string, count: number): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
  const folder = dirname(path);
  const family = familyOf(basename(path));
  const rivals = (await readdir(folder)).filter(
    (name) => family !== undefined && familyOf(name) === family,
  );
  const used = await Promise.all(
    rivals.map(async (name) => ({
      path: join(folder, name),
      // Another build may be removing it as well.
      usedMs: (await stat(join(folder, name)).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  const old = used.toSorted((a, b) => b.usedMs - a.usedMs).slice(count);
  await Promise.all(old.map((one) => rm(one.path, { recursive: true, force: true })));
}

function familyOf(name: string): string | undefined {
  return hashedName.exec(name)?.[1];
}
