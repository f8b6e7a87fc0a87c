import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Hears one line about each step, such as `temporal 1.5.1: building it with go install`. */
export type Report = (line: string) => void;

/**
 * A program of the local stack. Finding it is quick and throws when it is neither there nor can be installed, so that
 * what is missing is known before minutes are spent on installing the rest.
 */
export type Part = {
  /** Where the program is once installed. */
  path: string;
  /** Returns at once and silently when the program is there already. */
  install: (report: Report) => Promise<void>;
};

/** How to make a part in the cache folder. */
export type Recipe = {
  /** What the report calls it, version included. */
  name: string;
  /** The folder it is to be at; its name carries the version, so what exists is right. */
  folder: string;
  /** The program's path in that folder. */
  program: string;
  /** Says beforehand what will be done, and about how long that takes. */
  announce: string;
  /** Makes it in an empty folder, which is then renamed: absolute paths to it must not be written down. */
  make: (emptyFolder: string) => Promise<void>;
};

/** Longer than any installation takes: what is older was left by one that was killed. */
const leftBehindMs = 60 * 60 * 1000;

/** A part that is there already, at a place that the user chose. */
export function foundPart(path: string): Part {
  return { path, install: async () => {} };
}

/** A part in the cache: complete or not there, whoever is interrupted and however many install it at once. */
export function cachedPart(recipe: Recipe): Part {
  return {
    path: join(recipe.folder, recipe.program),
    install: (report) => install(recipe, report),
  };
}

/** Installs a part where needed and gives back its program's path. */
export async function ensurePart(part: Part, report: Report = () => {}): Promise<string> {
  await part.install(report);
  return part.path;
}

async function install(recipe: Recipe, report: Report): Promise<void> {
  const { name, folder, announce, make } = recipe;
  if (await exists(folder)) return;
  const startedAt = performance.now();
  report(`${name}: ${announce}`);
  await mkdir(dirname(folder), { recursive: true });
  await removeLeftBehind(dirname(folder));
  const made = await mkdtemp(join(dirname(folder), `${making}${basename(folder)}-`));
  try {
    await make(made);
    // When two race, the second throws its own away: a folder with something in it can't be renamed over.
    await rename(made, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error;
    });
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  report(`${name}: done in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

const making = '.making-';

async function removeLeftBehind(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(making)) continue;
    const folder = join(parent, name);
    const made = await stat(folder).catch(() => undefined);
    if (made !== undefined && Date.now() - made.mtimeMs > leftBehindMs) {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
