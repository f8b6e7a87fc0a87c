import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedLayer } from './layer.ts';
import type { Layer } from './layer.ts';

/** The Node that runs this, which is the one that package.json pins, at /usr/local/bin/node. */
export async function nodeLayer(): Promise<Layer> {
  return cachedLayer({
    name: 'node',
    modules: [import.meta.url],
    dependsOn: [process.version, process.arch],
    announce: `packing Node ${process.version} (about 1 s)`,
    fill: async (content) => {
      const folder = join(content, 'usr', 'local', 'bin');
      await mkdir(folder, { recursive: true });
      await copyFile(process.execPath, join(folder, 'node'));
    },
  });
}
