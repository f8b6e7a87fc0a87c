import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { dump } from 'js-yaml';
import {
  downloaderOf,
  parseJobTemplate,
  podSpecOf,
} from '../../activities/fleets/kubernetes/job-template.ts';
import { startCluster } from './cluster/cluster.ts';
import type { Cluster } from './cluster/cluster.ts';
import { buildImages } from './cluster/images/build-images.ts';
import { findProgram } from './install/find-program.ts';
import type { Report } from './install/part.ts';
import { readSurroundings } from './install/surroundings.ts';

/** The account that the Temporal worker has in the cluster: k8s/service-accounts.yaml. */
const workerAccount = 'spotloop-temporal-worker';
/** A stack is kept for a day at most before somebody starts it again. */
const tokenLifetime = '24h';
/** Two stacks on one cluster never meet. */
const suffixBytes = 4;

/** Of each downloader on one machine: so small that a dozen have room on both nodes, and that a yt-dlp fits in. */
const localResources = {
  requests: { cpu: '100m', memory: '256Mi' },
  limits: { memory: '1Gi' },
};

/** The programs that the task `command` has in pods: the local stack's, as a config map. */
export const commandsConfigMap = 'spotloop-commands';
const commandsFolder = '/etc/spotloop';
const commandsFile = fileURLToPath(new URL('commands.json', import.meta.url));

const metricsVariable = 'SPOTLOOP_METRICS_ADDRESS';

const manifests = fileURLToPath(new URL('../../k8s/', import.meta.url));

/** A cluster that holds our images, and what a Temporal worker needs to run downloaders in it. */
export type KubernetesFleet = {
  /** The cluster that was started; undefined where somebody's own was given. */
  readonly cluster: Cluster | undefined;
  /** The administrator's. */
  readonly kubeconfig: string;
  /** A `kubectl`. */
  readonly kubectl: string;
  /** The stack's own. */
  readonly namespace: string;
  /** Names of the images as the cluster knows them; the second only in a cluster that was started. */
  readonly images: { readonly downloader: string; readonly temporalWorker: string | undefined };
  /** Variables of a Temporal worker outside the cluster, with exactly the rights of k8s/rbac.yaml. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes a namespace with our service accounts and rights in it, and gives back the variables for it. */
  addNamespace(name: string): Promise<Record<string, string>>;
  stop(): Promise<void>;
};

/** Where the namespaces are made, and what the pods run. */
type Place = Pick<KubernetesFleet, 'cluster' | 'kubeconfig' | 'kubectl' | 'images'> & {
  /** Removes what was made. */
  stop(namespaces: readonly string[]): Promise<void>;
};

/**
 * Starts a cluster with the images in it, or takes the user's own (KUBECONFIG with SPOTLOOP_IMAGES); makes a
 * namespace for the stack.
 * @param places what downloaders need to find the emulators: all on 127.0.0.1, so pods use the network of their node,
 * which has to be this machine.
 */
export async function startKubernetesFleet(options: {
  folder: string;
  places: Readonly<Record<string, string>>;
  extraPool?: string | undefined;
  report: Report;
}): Promise<KubernetesFleet> {
  const { folder, places, extraPool, report } = options;
  const { kubeconfig, image } = readSurroundings();
  await mkdir(folder, { recursive: true });
  if (kubeconfig !== undefined && image === undefined) {
    report('KUBECONFIG is set and SPOTLOOP_IMAGES is not: starting a cluster of its own');
  }
  const place =
    kubeconfig === undefined || image === undefined
      ? await startOwn(folder, extraPool, report)
      : await takeGiven(kubeconfig, image);
  const namespaces: string[] = [];
  try {
    const template = join(folder, 'job.yaml');
    await writeFile(template, await localTemplate(places));
    const addNamespace = async (name: string): Promise<Record<string, string>> => {
      namespaces.push(name);
      await makeNamespace(place, name);
      const ofWorker = join(folder, `${name}.kubeconfig`);
      await writeFile(ofWorker, await workerKubeconfig(place, name), { mode: 0o600 });
      return {
        KUBECONFIG: ofWorker,
        SPOTLOOP_FLEETS: 'kubernetes,local',
        SPOTLOOP_JOB_TEMPLATE: template,
        SPOTLOOP_IMAGES: place.images.downloader,
      };
    };
    // Several stacks may share a cluster.
    const suffix =
      place.cluster !== undefined ? '' : `-${randomBytes(suffixBytes).toString('hex')}`;
    const namespace = `spotloop${suffix}`;
    return {
      ...place,
      namespace,
      env: await addNamespace(namespace),
      addNamespace,
      stop: () => place.stop(namespaces),
    };
  } catch (error) {
    await place.stop(namespaces);
    throw error;
  }
}

async function startOwn(
  folder: string,
  extraPool: string | undefined,
  report: Report,
): Promise<Place> {
  const { downloader, temporalWorker } = await buildImages(report);
  const images = [downloader.archive, temporalWorker.archive];
  const cluster = await startCluster({ folder, report, images, extraPool });
  return {
    cluster,
    kubeconfig: cluster.kubeconfig,
    kubectl: cluster.kubectl,
    images: { downloader: downloader.name, temporalWorker: temporalWorker.name },
    stop: () => cluster.stop(),
  };
}

async function takeGiven(kubeconfig: string, image: string): Promise<Place> {
  const kubectl = await findProgram('kubectl', readSurroundings().searchFolders);
  if (kubectl === undefined) {
    throw new Error('use the cluster in KUBECONFIG: kubectl is not on PATH — install it');
  }
  return {
    cluster: undefined,
    kubeconfig,
    kubectl,
    images: { downloader: image, temporalWorker: undefined },
    stop: async (namespaces) => {
      if (namespaces.length === 0) return;
      const remove = ['delete', 'namespace', '--ignore-not-found', ...namespaces];
      await runKubectl({ kubectl, kubeconfig }, remove);
    },
  };
}

async function makeNamespace(place: Place, name: string): Promise<void> {
  await runKubectl(place, ['create', 'namespace', name]);
  const files = ['service-accounts.yaml', 'rbac.yaml'].map((file) => join(manifests, file));
  await runKubectl(place, ['apply', '-n', name, ...files.flatMap((file) => ['-f', file])]);
  const commands = ['create', 'configmap', commandsConfigMap, `--from-file=${commandsFile}`];
  await runKubectl(place, [...commands, '-n', name]);
}

/** What the Temporal worker's service account may, and no more. */
async function workerKubeconfig(place: Place, namespace: string): Promise<string> {
  const create = ['create', 'token', workerAccount, '-n', namespace, '--duration', tokenLifetime];
  const token = (await runKubectl(place, create)).trim();
  const admin = new KubeConfig();
  admin.loadFromFile(place.kubeconfig);
  const server = admin.getCurrentCluster();
  if (server === null) throw new Error(`read ${place.kubeconfig}: it names no cluster`);
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [server],
    users: [{ name: workerAccount, token }],
    contexts: [{ name: namespace, cluster: server.name, user: workerAccount, namespace }],
    currentContext: namespace,
  });
  return config.exportConfig();
}

/** Runs kubectl as the administrator and gives back what it wrote. */
export async function runKubectl(
  { kubectl, kubeconfig }: Pick<KubernetesFleet, 'kubectl' | 'kubeconfig'>,
  args: readonly string[],
): Promise<string> {
  const { stdout } = await promisify(execFile)(kubectl, [...args], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
  });
  return stdout;
}

/** k8s/job.yaml with what a cluster of one machine lacks: a way to its emulators, programs, room, and ports. */
async function localTemplate(places: Readonly<Record<string, string>>): Promise<string> {
  const file = join(manifests, 'job.yaml');
  const { job } = parseJobTemplate(await readFile(file, 'utf8'), file);
  const [pod, downloader] = [podSpecOf(job), downloaderOf(job)];
  pod.hostNetwork = true;
  pod.dnsPolicy = 'Default';
  downloader.imagePullPolicy = 'IfNotPresent';
  downloader.resources = localResources;
  // Pods on one network would meet at one port, and the scheduler would keep them apart for it: each takes a free one.
  delete downloader.ports;
  downloader.env = [
    ...(downloader.env ?? []).filter(({ name }) => name !== metricsVariable),
    { name: metricsVariable, value: '127.0.0.1:0' },
    ...Object.entries(places).map(([name, value]) => ({ name, value })),
    { name: 'SPOTLOOP_COMMANDS_FILE', value: `${commandsFolder}/${basename(commandsFile)}` },
  ];
  const volume = { name: 'commands' };
  downloader.volumeMounts?.push({ ...volume, mountPath: commandsFolder, readOnly: true });
  pod.volumes?.push({ ...volume, configMap: { name: commandsConfigMap } });
  return dump(job);
}
