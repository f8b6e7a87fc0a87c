import { cp, glob, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cachedLayer } from './layer.ts';
import type { Layer } from './layer.ts';

/** What of the repository a layer is to hold. */
export type SourceWanted = {
  /** What the layer is called. */
  name: string;
  /** The repository. */
  root: string;
  /** Files and folders, relative to it; what is not there is left out. */
  paths: readonly string[];
};

/** Files of the repository as they are, under /app: Node runs TypeScript. */
export async function sourceLayer({ name, root, paths }: SourceWanted): Promise<Layer> {
  const files = await filesIn(root, paths);
  return cachedLayer({
    name,
    modules: [import.meta.url],
    dependsOn: [...files, ...(await contentOf(root, files))],
    announce: `copying ${files.length} files`,
    fill: async (content) => {
      for (const file of files) {
        const to = join(content, 'app', file);
        await mkdir(dirname(to), { recursive: true });
        await cp(join(root, file), to);
      }
    },
  });
}

/** The files among these paths and in the folders among them, relative to the repository, sorted. */
export async function filesIn(root: string, paths: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  const patterns = paths.flatMap((path) => [path, `${path}/**`]);
  for await (const path of glob(patterns, { cwd: root })) {
    if ((await stat(join(root, path))).isFile()) files.add(path);
  }
  return [...files].toSorted((a, b) => (a < b ? -1 : 1));
}

/** What is in these files. */
export function contentOf(root: string, files: readonly string[]): Promise<Buffer[]> {
  return Promise.all(files.map((file) => readFile(join(root, file))));
}
