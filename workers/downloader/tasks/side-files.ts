import { createReadStream } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Item } from '../../../domain/item.ts';
import { infoSuffix, mostSideFiles, sideSuffixOf } from '../../../domain/side-files.ts';
import type { SideFiles } from '../../../domain/side-files.ts';
import type { Store } from '../store.ts';

/** A file that a program staged beside the item's own. */
export type StagedSide = {
  readonly suffix: string;
  readonly path: string;
  readonly sizeBytes: number;
};

/** An `info.json` has a megabyte at most, with all subtitles' addresses; parsed it is some ten times as large. */
const maxInfoBytes = 16 * 1024 * 1024;

/** Finds side files by their names `NAME.REST`, in the order of their suffixes; {@link mostSideFiles} at most. */
export async function findSideFiles(folder: string, name: string): Promise<readonly StagedSide[]> {
  const found: StagedSide[] = [];
  for (const file of await readdir(folder)) {
    if (!file.startsWith(`${name}.`)) continue;
    const suffix = sideSuffixOf(file.slice(name.length + 1));
    if (suffix === null) continue;
    const path = join(folder, file);
    if (suffix === infoSuffix && !(await cleanInfo(path))) continue;
    const { size } = await stat(path);
    found.push({ suffix, path, sizeBytes: size });
  }
  return found
    .toSorted((one, other) => (one.suffix < other.suffix ? -1 : 1))
    .slice(0, mostSideFiles);
}

/**
 * Stores side files one after the other: they are small, and each upload holds a part in memory.
 * @returns their sizes as they are in the bucket.
 */
export async function storeSideFiles(
  store: Store,
  item: Item,
  staged: readonly StagedSide[],
  signal: AbortSignal,
): Promise<SideFiles> {
  const stored: Record<string, number> = {};
  for (const { suffix, path } of staged) {
    stored[suffix] = await store.putSide(item, suffix, { content: createReadStream(path), signal });
  }
  return stored;
}

/** yt-dlp writes the cookies that it sent into what it calls clean: `cookies` of the video and of each format. */
const secretFields: readonly string[] = [
  'cookies',
  'cookie',
  'authorization',
  'proxy-authorization',
];

/** Takes out of an `info.json` what lets its reader sign in; false when it cannot be read, and so cannot be trusted. */
async function cleanInfo(path: string): Promise<boolean> {
  if ((await stat(path)).size > maxInfoBytes) return false;
  const text = await readFile(path, 'utf8');
  let info: unknown;
  try {
    info = JSON.parse(text, (name, value: unknown) =>
      secretFields.includes(name.toLowerCase()) ? undefined : value,
    );
  } catch {
    return false;
  }
  await writeFile(path, JSON.stringify(info));
  return true;
}
