import { glob, readFile, stat } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';

/** An npm package as it is installed. */
export type InstalledPackage = {
  /** Its folder, relative to the repository: `node_modules/zod`, or one nested in another package. */
  folder: string;
  version: string;
};

/**
 * Imports and re-exports that are there at run time: not `import type`, which the linter wants as a statement of its own.
 * What is between the keyword and `from` can only be names.
 */
const importPattern =
  /^(?:import|export)\s+(?!type\b)(?:[\w$*{},\s]+?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;

/** The npm packages that the `.ts` files of folders import by name, sorted. */
export async function importedPackages(
  root: string,
  folders: readonly string[],
): Promise<string[]> {
  const names = new Set<string>();
  for await (const file of glob(
    folders.map((folder) => `${folder}/**/*.ts`),
    { cwd: root },
  )) {
    const text = await readFile(join(root, file), 'utf8');
    for (const [, stated, called] of text.matchAll(importPattern)) {
      const specifier = stated ?? called ?? '';
      if (/^(\.|node:)/.test(specifier) || builtinModules.includes(specifier)) continue;
      names.add(packageOf(specifier));
    }
  }
  return [...names].toSorted(inOrder);
}

/**
 * These packages and all that they need, each where Node finds it, sorted by folder. Optional ones count when they are
 * installed, and peers as well: npm installed them because somebody asks for them.
 * @throws Error when one is missing that is not optional.
 */
export async function packageClosure(
  root: string,
  names: readonly string[],
  leftOut: readonly string[] = [],
): Promise<InstalledPackage[]> {
  const found = new Map<string, InstalledPackage>();
  const waiting = names.map((name) => ({ name, from: '', isOptional: false }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { name, from, isOptional } = next;
    if (leftOut.includes(name)) continue;
    const folder = await findPackage(root, from, name);
    if (folder === undefined) {
      if (isOptional) continue;
      throw new Error(
        `collect npm packages: ${name}, which ${from || 'the source'} needs, is not in node_modules — run npm ci`,
      );
    }
    if (found.has(folder)) continue;
    const manifest = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
    found.set(folder, { folder, version: String(manifest.version) });
    const optional = Object.keys(manifest.optionalDependencies ?? {});
    const needed = Object.keys(manifest.dependencies ?? {}).filter(
      (one) => !optional.includes(one),
    );
    const peers = Object.keys(manifest.peerDependencies ?? {}).filter(
      (one) => !manifest.peerDependenciesMeta?.[one]?.optional,
    );
    waiting.push(
      ...needed.map((one) => ({ name: one, from: folder, isOptional: false })),
      ...[...optional, ...peers].map((one) => ({ name: one, from: folder, isOptional: true })),
    );
  }
  return [...found.values()].toSorted((a, b) => inOrder(a.folder, b.folder));
}

/** As Node looks for it: in the `node_modules` of the folder that imports it, then of each folder above. */
async function findPackage(root: string, from: string, name: string): Promise<string | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    if (folder === '.') folder = '';
    const candidate = join(folder, 'node_modules', name);
    if (await isFile(join(root, candidate, 'package.json'))) return candidate;
    if (folder === '') return undefined;
  }
}

/** `@scope/name/path` and `name/path` without the path. */
function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

function inOrder(a: string, b: string): number {
  return a < b ? -1 : 1;
}
