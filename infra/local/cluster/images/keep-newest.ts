import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** What a folder of the cache is called but for the hash at its end: `system-4f1c2ab90e77` is one of `system`. */
const hashedName = /^(.+)-[0-9a-f]{12}$/;

/**
 * Notes that a folder of the cache was used now, and removes those of its name that were used longest ago, but for
 * some: who goes back and forth between two branches has both at hand.
 */
export async function keepNewest(path: string, count: number): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
  const parent = dirname(path);
  const name = nameOf(basename(path));
  const rivals = (await readdir(parent)).filter(
    (one) => name !== undefined && nameOf(one) === name,
  );
  const used = await Promise.all(
    rivals.map(async (one) => ({
      path: join(parent, one),
      // Another build may be removing it as well.
      usedMs: (await stat(join(parent, one)).catch(() => undefined))?.mtimeMs ?? 0,
    })),
  );
  const old = used.toSorted((a, b) => b.usedMs - a.usedMs).slice(count);
  await Promise.all(old.map((one) => rm(one.path, { recursive: true, force: true })));
}

function nameOf(folder: string): string | undefined {
  return hashedName.exec(folder)?.[1];
}
