/**
 * A real Kubernetes, with two nodes or more, on this machine.
 *
 *   install-cluster.ts    its programs, in the cache
 *   machine-lock.ts       one cluster at a time
 *   leftovers.ts          ends and removes what a killed one left
 *   control-plane.ts      etcd, API server, controllers, scheduler
 *   image-store.ts        what images a new node has
 *   node.ts               containerd and kubelet, in a machine of their own (node-machine.ts)
 *   fake-nodes.ts         nodes that only pretend, by the thousand
 */
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { Report } from '../install/part.ts';
import { startControlPlane } from './control-plane.ts';
import { startFakeNodes } from './fake-nodes.ts';
import type { FakeNodes } from './fake-nodes.ts';
import { finishAll } from './finish-all.ts';
import { createImageStore } from './image-store.ts';
import { assembleImage } from './images/assemble-image.ts';
import { packLayer } from './images/pack-layer.ts';
import { installCluster } from './install-cluster.ts';
import { clearLeftovers, forgetCluster, ownEntries, recordCluster } from './leftovers.ts';
import { lockMachine } from './machine-lock.ts';
import { pauseImage } from './node-config.ts';
import { createNode } from './node.ts';
import type { ClusterNode } from './node.ts';
import { waitUntil } from './wait-until.ts';

export type { ClusterNode } from './node.ts';

/** A running cluster. */
export type Cluster = {
  /** The administrator's kubeconfig file. */
  kubeconfig: string;
  /** `https://127.0.0.1:PORT`; the port stays the same when the API server starts again. */
  apiServer: string;
  /** The path of a `kubectl` of the same version. */
  kubectl: string;
  /** `node1`, `node2`, … */
  nodes: readonly ClusterNode[];
  /** Logs of all processes. They are kept after the stop. */
  logFolder: string;
  /** Makes the image of a docker-archive known to every node, also to one that starts again later. */
  importImage: (archive: string) => Promise<void>;
  stopApiServer: () => Promise<void>;
  /** Resolves when it is ready. One that runs is stopped before. */
  startApiServer: () => Promise<void>;
  /**
   * Adds Node objects without a machine, whose pods are said to run for ever, until deleted. They have the label
   * `type=kwok` and the taint `kwok.x-k8s.io/node=fake:NoSchedule`. Resolves when all are Ready.
   */
  startFakeNodes: (count: number) => Promise<void>;
  /** Removes all of these, and their pods. */
  stopFakeNodes: () => Promise<void>;
  /** Ends and removes all but the logs. */
  stop: () => Promise<void>;
};

/** Of each pool: the fewest on which something can move from one to another. */
const nodesOfPool = 2;
/** The controllers make these within a second of their start. */
const namespaceMs = 30_000;

/**
 * Makes the programs where they are missing, starts a cluster whose files are all in `folder`, and resolves when all nodes
 * are Ready. Throws, with a way out, where another cluster, Docker or somebody else's kubelet runs.
 */
export async function startCluster(options: {
  folder: string;
  report: Report;
  /** Archives of images that are to be there from the start: half the work of importing them into running nodes. */
  images?: readonly string[];
  /** Beside the usual two nodes, two of a pool of that name, whose taint keeps pods away that do not tolerate it. */
  extraPool?: string | undefined;
}): Promise<Cluster> {
  const folder = resolve(options.folder);
  const programs = await installCluster(options.report);
  // What is to be undone, latest first; also when a later step fails.
  await using undo = new AsyncDisposableStack();
  undo.defer(await lockMachine(folder));
  await clearLeftovers(folder);
  const logFolder = join(folder, 'logs');
  await rm(logFolder, { recursive: true, force: true });
  await mkdir(logFolder, { recursive: true });
  await recordCluster(folder);
  undo.defer(async () => {
    await Promise.all(
      ownEntries.map((name) => rm(join(folder, name), { recursive: true, force: true })),
    );
    await forgetCluster();
  });

  const images = createImageStore({ folder: join(folder, 'images'), logFolder, programs });
  await images.add(await makePauseImage(folder, programs.pause));
  for (const archive of options.images ?? []) await images.add(archive);
  const pools = options.extraPool === undefined ? [undefined] : [undefined, options.extraPool];
  const nodes = pools
    .flatMap((pool) => Array.from({ length: nodesOfPool }, () => pool))
    .map((pool, position) =>
      createNode({
        index: position + 1,
        pool,
        folder,
        logFolder,
        programs,
        certificateFolder: join(folder, 'pki'),
        images,
      }),
    );
  undo.defer(async () => {
    await Promise.all(nodes.map((node) => node.remove()));
  });

  const starting = startControlPlane({
    folder,
    logFolder,
    kubernetesFolder: programs.kubernetesFolder,
    identities: nodes.map(({ name, address }) => ({
      name,
      subject: `/O=system:nodes/CN=system:node:${name}`,
      reachedAs: [`DNS:${name}`, `IP:${address}`],
    })),
  }).then((started) => {
    undo.defer(started.stop);
    return started;
  });
  await finishAll([starting, ...nodes.map((node) => node.prepare())]);
  const plane = await starting;

  const config = new KubeConfig();
  config.loadFromFile(plane.kubeconfig);
  const api = config.makeApiClient(CoreV1Api);
  await finishAll(nodes.map((node) => node.join(plane, api)));
  await waitForNamespace(api);

  let fakes: FakeNodes | undefined;
  const stopFakes = async (): Promise<void> => {
    await fakes?.stop();
    fakes = undefined;
  };
  undo.defer(async () => {
    await fakes?.abandon();
  });
  // First of all: the API server ends at once when nobody is connected any more.
  undo.defer(async () => {
    await Promise.all(nodes.map((node) => node.vanish()));
  });
  const running = undo.move();
  let stopping: Promise<void> | undefined;
  return {
    kubeconfig: plane.kubeconfig,
    apiServer: plane.apiServer,
    kubectl: join(programs.kubernetesFolder, 'kubectl'),
    nodes,
    logFolder,
    importImage: async (archive) => {
      const kept = await images.add(archive);
      await Promise.all(nodes.map((node) => node.importImage(kept)));
    },
    stopApiServer: plane.stopApiServer,
    startApiServer: plane.startApiServer,
    startFakeNodes: async (count) => {
      await stopFakes();
      fakes = await startFakeNodes({
        count,
        api,
        plane,
        kwok: programs.kwok,
        logFolder,
      });
    },
    stopFakeNodes: stopFakes,
    stop: () => (stopping ??= running.disposeAsync()),
  };
}

async function makePauseImage(folder: string, pause: string): Promise<string> {
  const content = join(folder, 'images', 'pause');
  await mkdir(content, { recursive: true });
  await copyFile(pause, join(content, 'pause'));
  const layer = join(folder, 'images', 'pause-layer.tar');
  await packLayer(content, layer);
  const archive = join(folder, 'images', 'pause.tar');
  await assembleImage({
    archive,
    name: pauseImage,
    layers: [layer],
    config: { entrypoint: ['/pause'] },
  });
  return archive;
}

/** What a pod needs of its namespace: before that, none is admitted. */
async function waitForNamespace(api: CoreV1Api): Promise<void> {
  const namespace = 'default';
  const doing = 'wait for the namespace default';
  await waitUntil({ doing, timeoutMs: namespaceMs }, () =>
    Promise.all([
      api.readNamespacedServiceAccount({ name: 'default', namespace }),
      api.readNamespacedConfigMap({ name: 'kube-root-ca.crt', namespace }),
    ]),
  );
}
