import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImageConfig } from './assemble-image.ts';
import type { Layer } from './layer.ts';
import { nodeLayer } from './node-layer.ts';
import { packagesLayer } from './packages-layer.ts';
import { sourceLayer } from './source-layer.ts';
import { imageUser, systemLayer } from './system-layer.ts';
import { workflowBundle, workflowBundleLayer } from './workflow-bundle-layer.ts';
import { ytDlpLayer } from './yt-dlp-layer.ts';

/** What an image is made of. */
export type ImagePlan = { repository: string; layers: readonly Layer[]; config: ImageConfig };

/** The repository. */
const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** What the downloader runs. Neither Temporal nor the cluster is any business of its. */
const downloaderFolders = ['workers/downloader', 'workers/process', 'storage', 'domain'];

/** The local fleet is in `activities`, but there is no downloader here that it could start. */
const temporalWorkerFolders = [
  'workers/temporal',
  'workers/process',
  'workflows',
  'activities',
  'storage',
  'domain',
];

/** The cluster's objects, as the fleet on Kubernetes reads them. */
const clusterFolder = 'k8s';

/** Only loaded to bundle workflows, which is done when the image is built. (webpack itself is loaded in any case.) */
const bundlerPackages = ['@swc/core', 'swc-loader', 'source-map-loader'];

const temporalPrograms = join('@temporalio', 'core-bridge', 'releases');

const config = {
  env: { PATH: '/usr/local/bin:/usr/bin' },
  user: imageUser,
  workingDir: '/app',
};

/**
 * The two images: out of files of this machine and packages of Debian, npm and PyPI. Both run with a read-only root, as
 * a user without rights, and write to what a pod mounts only. Their layers, lowest first; what is in one changes together:
 *
 *   system-layer.ts            C library, shell, certificates   with this machine's Debian
 *   node-layer.ts              Node                             with package.json
 *   yt-dlp-layer.ts            Python and yt-dlp                with yt-dlp.ts
 *   packages-layer.ts          npm packages                     with the lock file, where it is about them
 *   workflow-bundle-layer.ts   the workflows in one file        with them
 *   source-layer.ts            our code                         with each commit
 *
 * A layer is a tar file in the cache, named by a hash of what it depends on (layer.ts).
 */
export async function planImages(): Promise<{ downloader: ImagePlan; temporalWorker: ImagePlan }> {
  const [system, node] = await Promise.all([systemLayer(), nodeLayer()]);
  const [downloader, temporalWorker] = await Promise.all([
    downloaderLayers(system),
    temporalWorkerLayers(system),
  ]);
  return {
    downloader: {
      repository: 'spotloop-downloader',
      layers: [system, node, ...downloader],
      config: { ...config, entrypoint: entrypointOf('workers/downloader/main.ts') },
    },
    temporalWorker: {
      repository: 'spotloop-temporal-worker',
      layers: [system, node, ...temporalWorker],
      config: {
        ...config,
        entrypoint: entrypointOf('workers/temporal/main.ts'),
        env: { ...config.env, SPOTLOOP_WORKFLOW_BUNDLE: workflowBundle },
      },
    },
  };
}

function entrypointOf(program: string): string[] {
  return ['/usr/local/bin/node', join('/app', program)];
}

function downloaderLayers(system: Layer): Promise<Layer[]> {
  return Promise.all([
    ytDlpLayer(system),
    packagesLayer({ name: 'downloader-packages', root, folders: downloaderFolders }),
    sourceLayer({ name: 'downloader-source', root, paths: ['package.json', ...downloaderFolders] }),
  ]);
}

async function temporalWorkerLayers(system: Layer): Promise<Layer[]> {
  const ytDlp = await ytDlpLayer(system);
  const packages = await packagesLayer({
    name: 'temporal-worker-packages',
    root,
    folders: temporalWorkerFolders,
    leftOutPackages: bundlerPackages,
    leftOutPaths: await leftOutOfTemporalWorker(),
  });
  return [
    ytDlp,
    packages,
    await workflowBundleLayer(root, packages),
    await sourceLayer({
      name: 'temporal-worker-source',
      root,
      paths: ['package.json', ...temporalWorkerFolders, clusterFolder],
    }),
  ];
}

/** Together 200 MB: Temporal's core for other platforms and what it is compiled from, and the charts for browsers. */
async function leftOutOfTemporalWorker(): Promise<string[]> {
  const cpu = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  const platforms = await readdir(join(root, 'node_modules', temporalPrograms));
  return [
    ...platforms
      .filter((platform) => platform !== `${cpu}-unknown-linux-gnu`)
      .map((platform) => join(temporalPrograms, platform)),
    join('@temporalio', 'core-bridge', 'sdk-core'),
    join('echarts', 'dist'),
  ];
}
