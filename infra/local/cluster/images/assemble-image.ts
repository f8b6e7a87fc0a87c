import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { tar } from './pack-layer.ts';

/** How containers of an image start, unless the pod says otherwise. */
export type ImageConfig = {
  entrypoint: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Numbers, `USER:GROUP`: a kubelet can't tell that a name is not root. */
  user?: string;
  workingDir?: string;
};

/** What an image is made of. */
export type ImageParts = {
  /** The file to write. Its folder is made where it is missing. */
  archive: string;
  /** Repository and tag, such as `localhost/spotloop-downloader:4f1c2ab90e77`. */
  name: string;
  /** Paths of layer tars, lowest first. */
  layers: readonly string[];
  config: ImageConfig;
};

/** Node's names for processors, in the words of images (Go's). */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Writes an image as an archive that `ctr images import` and `docker load` take, with neither engine nor registry: a
 * list, a config that names the digest of each layer, and the layers
 * (https://github.com/moby/docker-image-spec/blob/v1.3.1/v1.2.md#combined-image-json--filesystem-changeset-format).
 * The archive appears when it is complete. Layers are streamed: they are hundreds of MB.
 */
export async function assembleImage({ archive, name, layers, config }: ImageParts): Promise<void> {
  await mkdir(dirname(archive), { recursive: true });
  const content = await mkdtemp(`${archive}.making-`);
  try {
    const digests = await Promise.all(layers.map(sha256OfFile));
    const layerFiles = digests.map((digest) => `${digest}.tar`);
    // Two layers of the same content are one file that is named twice.
    const pathOfFile = new Map(layerFiles.map((file, index) => [file, layers[index] ?? '']));
    for (const [file, path] of pathOfFile) await symlink(resolve(path), join(content, file));
    const configText = JSON.stringify(describe(config, digests));
    const configFile = `${createHash('sha256').update(configText).digest('hex')}.json`;
    await writeFile(join(content, configFile), configText);
    const list = [{ Config: configFile, RepoTags: [name], Layers: layerFiles }];
    await writeFile(join(content, 'manifest.json'), JSON.stringify(list));
    const made = `${content}.tar`;
    try {
      // Without `./` before the names, for importers look names up as the list has them.
      await tar(content, made, ['--dereference', '--transform=s,^\\./,,']);
      await rename(made, archive);
    } finally {
      await rm(made, { force: true });
    }
  } finally {
    await rm(content, { recursive: true, force: true });
  }
}

function describe(config: ImageConfig, digests: readonly string[]): object {
  const architecture = architectures[process.arch];
  if (architecture === undefined) {
    throw new Error(
      `assemble an image: no processor type of images is known for ${process.arch} — use x64 or arm64`,
    );
  }
  return {
    architecture,
    os: 'linux',
    created: new Date(0).toISOString(),
    config: {
      Entrypoint: config.entrypoint,
      Env: Object.entries(config.env ?? {}).map(([variable, value]) => `${variable}=${value}`),
      User: config.user,
      WorkingDir: config.workingDir,
    },
    rootfs: { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) },
  };
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
