import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Hears one line about each step, such as `temporal 1.5.1: building it with go (about 3 min)`. */
export type Report = (line: string) => void;

/** One thing to have in the cache folder. */
export interface Placement {
  /** What the report calls it, version included. */
  name: string;
  /** The folder it is to be at; its name carries the version, so what exists is right. */
  folder: string;
  /** Says beforehand what will be done, and about how long that takes. */
  announce: string;
  /** Makes it in an empty folder next to `folder`. */
  make: (emptyFolder: string) => Promise<void>;
  report: Report;
}

/**
 * Sees to it that `folder` exists, complete: it is made under another name and renamed at the end, so that neither an
 * interrupted installation nor two at once can leave half of one. When two race, the second throws its own away.
 */
export async function place({ name, folder, announce, make, report }: Placement): Promise<void> {
  if (await exists(folder)) return;
  const startedAt = performance.now();
  report(`${name}: ${announce}`);
  await mkdir(dirname(folder), { recursive: true });
  const made = await mkdtemp(join(dirname(folder), `.making-${basename(folder)}-`));
  try {
    await make(made);
    await rename(made, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  report(`${name}: done in ${seconds(performance.now() - startedAt)}`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
