import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachedPart } from '../../install/part.ts';
import type { Part } from '../../install/part.ts';
import { readSurroundings } from '../../install/surroundings.ts';
import { packLayer } from './pack-layer.ts';

/** A layer of an image: a tar file in the cache, made when it is first needed. */
export type Layer = {
  /** What the report calls it. */
  name: string;
  /** Differs when the content does. */
  key: string;
  /** The tar file. */
  part: Part;
};

/** How to make a layer. */
export type LayerRecipe = {
  name: string;
  /** URLs of the modules that fill it: who changes one need not think of a version. */
  modules: readonly string[];
  /** What else the content depends on. */
  dependsOn: readonly (string | Buffer)[];
  announce: string;
  /** Fills an empty folder with what the layer holds. */
  fill: (content: string) => Promise<void>;
};

/** A layer that is made once for everything that it depends on. */
export async function cachedLayer(recipe: LayerRecipe): Promise<Layer> {
  const { name, modules, dependsOn, announce, fill } = recipe;
  const packing = import.meta.resolve('./pack-layer.ts');
  const texts = await Promise.all([packing, ...modules].map((url) => readFile(fileURLToPath(url))));
  const key = shortHash([...texts, ...dependsOn]);
  const part = cachedPart({
    name: `image layer ${name}`,
    folder: join(readSurroundings().cacheFolder, 'images', 'layers', `${name}-${key}`),
    program: 'layer.tar',
    announce,
    make: async (emptyFolder) => {
      const content = join(emptyFolder, 'content');
      await mkdir(content);
      await fill(content);
      await packLayer(content, join(emptyFolder, 'layer.tar'));
      await rm(content, { recursive: true });
    },
  });
  return { name, key, part };
}

/** Long enough that two contents never meet, short enough for `kubectl get pods`. Hexadecimal digits. */
const hashLength = 12;

/** A short name for texts in this order. */
export function shortHash(texts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  // Each with its length before it, or "ab", "c" would be "a", "bc".
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest('hex').slice(0, hashLength);
}
