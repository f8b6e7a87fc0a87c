import { cp, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cachedLayer } from './layer.ts';
import type { Layer } from './layer.ts';
import { importedPackages, packageClosure } from './package-closure.ts';

/** Which npm packages a layer is to hold. */
export type PackagesWanted = {
  /** What the layer is called. */
  name: string;
  /** The repository. */
  root: string;
  /** Whose imports they are. */
  folders: readonly string[];
  /** Packages that are not needed, although others name them. */
  leftOutPackages?: readonly string[];
  /** Files and folders that are not needed, relative to `node_modules`. */
  leftOutPaths?: readonly string[];
};

/** For compilers, debuggers and people. Node doesn't run TypeScript out of node_modules. */
const unreadFile = /\.([cm]?ts|map|md|markdown)$/;
/** What a licence asks to be kept. */
const licenceFile = /^(licen[cs]e|copying|notice)/i;

/** The npm packages that some folders of the repository import, and what those need, under /app. */
export async function packagesLayer(wanted: PackagesWanted): Promise<Layer> {
  const { name, root, folders, leftOutPackages = [], leftOutPaths = [] } = wanted;
  const packages = await packageClosure(
    root,
    await importedPackages(root, folders),
    leftOutPackages,
  );
  const skipped = new Set(leftOutPaths.map((path) => join(root, 'node_modules', path)));
  return cachedLayer({
    name,
    modules: [import.meta.url],
    dependsOn: [
      process.arch,
      ...leftOutPaths,
      ...packages.map(({ folder, version }) => `${folder}@${version}`),
    ],
    announce: `copying ${packages.length} npm packages (about 5 s)`,
    fill: async (content) => {
      for (const { folder } of packages) {
        const from = join(root, folder);
        const nested = join(from, 'node_modules');
        const to = join(content, 'app', folder);
        await mkdir(dirname(to), { recursive: true });
        await cp(from, to, {
          recursive: true,
          filter: (path) => path !== nested && !skipped.has(path) && isRead(basename(path)),
        });
      }
    },
  });
}

function isRead(name: string): boolean {
  return !unreadFile.test(name) || licenceFile.test(name);
}
