import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cachedPart, ensurePart } from '../../install/part.ts';
import type { Report } from '../../install/part.ts';
import { readSurroundings } from '../../install/surroundings.ts';
import { assembleImage } from './assemble-image.ts';
import { keepNewest } from './keep-newest.ts';
import { shortHash } from './layer.ts';
import { planImages } from './plan-images.ts';
import type { ImagePlan } from './plan-images.ts';

/** An image that can be imported. */
export type Image = {
  /** Repository and tag; the tag changes with the content, so that no node goes on with what it had under this name. */
  name: string;
  /** A file for `ctr -n k8s.io images import`. */
  archive: string;
};

/** Of each image's archives, some 250 MB each, and of each kind of layer: enough to go back and forth between two branches. */
const keptInCache = 2;

const bytesPerMegabyte = 1_000_000;

/**
 * Builds the images of a cluster of one's own, and gives back where they are: the parts that are not there yet, which is
 * our own code after a change of it, and nothing when nothing has changed. What they are made of is in plan-images.ts.
 */
export async function buildImages(
  report: Report,
): Promise<{ downloader: Image; temporalWorker: Image }> {
  const plans = await planImages();
  const { downloader, temporalWorker } = plans;
  // The lowest first, for others are made with it; then what both have is made once.
  const [lowest, ...others] = new Set([...downloader.layers, ...temporalWorker.layers]);
  if (lowest !== undefined) await ensurePart(lowest.part, report);
  await Promise.all(others.map(({ part }) => ensurePart(part, report)));
  const images = {
    downloader: await buildImage(downloader, report),
    temporalWorker: await buildImage(temporalWorker, report),
  };
  for (const { part } of others) await keepNewest(dirname(part.path), keptInCache);
  return images;
}

async function buildImage(plan: ImagePlan, report: Report): Promise<Image> {
  const { repository, layers, config } = plan;
  const tag = shortHash([...layers.map(({ key }) => key), JSON.stringify(config)]);
  const name = `localhost/${repository}:${tag}`;
  const program = 'image.tar';
  const archive = cachedPart({
    name: `image ${name}`,
    folder: join(readSurroundings().cacheFolder, 'images', 'archives', `${repository}-${tag}`),
    program,
    announce: await describeSizes(plan),
    make: (emptyFolder) =>
      assembleImage({
        archive: join(emptyFolder, program),
        name,
        layers: layers.map(({ part }) => part.path),
        config,
      }),
  });
  await ensurePart(archive, report);
  await keepNewest(dirname(archive.path), keptInCache);
  return { name, archive: archive.path };
}

async function describeSizes({ layers }: ImagePlan): Promise<string> {
  const sizes = await Promise.all(
    layers.map(async ({ name, part }) => ({ name, bytes: (await stat(part.path)).size })),
  );
  const inMegabytes = (bytes: number) => `${(bytes / bytesPerMegabyte).toFixed(1)} MB`;
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const each = sizes.map(({ name, bytes }) => `${name} ${inMegabytes(bytes)}`);
  return `putting together ${inMegabytes(total)} (${each.join(', ')})`;
}
