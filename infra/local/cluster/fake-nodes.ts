import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CoreV1Api, V1Node } from '@kubernetes/client-node';
import { freePort } from '../free-port.ts';
import { startProcess } from '../process.ts';
import { usualNodeGraceSeconds } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { ignoreNotFound } from './ignore-not-found.ts';
import { waitUntil } from './wait-until.ts';

/** The fake nodes that were started. */
export type FakeNodes = {
  /** Removes their Node objects and pods, and ends what pretends to be their kubelets. */
  stop: () => Promise<void>;
  /** Ends only that; for a cluster that is about to go as a whole. */
  abandon: () => Promise<void>;
};

const selector = 'type=kwok';
const configFile = fileURLToPath(new URL('kwok-config.yaml', import.meta.url));

/** As many as keep the API server busy. */
const callsAtOnce = 16;
/** A thousand take half a minute on two cores, and three times that when these are busy. */
const readyMs = 180_000;
/** To list a thousand nodes takes the API server longer than to make one. */
const pollMs = 2_000;
/**
 * A thousand nodes that say every few seconds that they live keep two cores busy, and on a busy machine are taken for dead
 * all the same. So they say it every 25 s (a quarter of the lease), and meanwhile dead nodes are noticed later.
 */
const leaseSeconds = 100;
const nodeGraceSeconds = 60;

/** Makes Node objects `fake1` … and resolves when all are Ready. */
export async function startFakeNodes(options: {
  count: number;
  api: CoreV1Api;
  plane: ControlPlane;
  kwok: string;
  logFolder: string;
}): Promise<FakeNodes> {
  const { count, api, plane, kwok, logFolder } = options;
  await plane.restartControllers(nodeGraceSeconds);
  const port = await freePort();
  const pretender = await startProcess({
    name: 'kwok',
    command: kwok,
    args: [
      `--kubeconfig=${plane.kubeconfig}`,
      `--config=${configFile}`,
      '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake',
      `--node-lease-duration-seconds=${leaseSeconds}`,
      '--cidr=198.19.0.0/16',
      '--node-ip=127.0.0.1',
      `--server-address=127.0.0.1:${port}`,
      // It tells each patch of each pod otherwise.
      '--v=WARN',
    ],
    logFile: join(logFolder, 'kwok.log'),
    ready: { kind: 'port', port },
  });
  const stop = async (): Promise<void> => {
    await api.deleteCollectionNode({ labelSelector: selector });
    const { items } = await api.listPodForAllNamespaces();
    const waiting = items.filter(({ spec }) => spec?.nodeName?.startsWith(namePrefix));
    await inLanes(waiting, async ({ metadata }) => {
      const { name = '', namespace = '' } = metadata ?? {};
      await api
        .deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 })
        .catch(ignoreNotFound);
    });
    await pretender.stop();
    await plane.restartControllers(usualNodeGraceSeconds);
  };
  try {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    await inLanes(numbers, async (index) => {
      await api.createNode({ body: describeNode(`${namePrefix}${index}`) });
    });
    const doing = `wait for ${count} fake nodes to be Ready`;
    await waitUntil({ doing, timeoutMs: readyMs, pollMs }, async () => {
      const { items } = await api.listNode({ labelSelector: selector });
      return items.length === count && items.every(isReady);
    });
  } catch (error) {
    await pretender.stop();
    throw error;
  }
  return { stop, abandon: pretender.stop };
}

const namePrefix = 'fake';

function describeNode(name: string): V1Node {
  const now = new Date();
  const resources = { cpu: '4', memory: '8Gi', pods: '110', 'ephemeral-storage': '100Gi' };
  return {
    metadata: {
      name,
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
      labels: {
        type: 'kwok',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'cloud.google.com/gke-spot': 'true',
      },
    },
    spec: { taints: [{ key: 'kwok.x-k8s.io/node', value: 'fake', effect: 'NoSchedule' }] },
    status: {
      allocatable: resources,
      capacity: resources,
      // From the start: for the pretender to say so later would be a thousand calls more.
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'fake',
          lastHeartbeatTime: now,
          lastTransitionTime: now,
        },
      ],
    },
  };
}

/** Ready, and rid of the taint that it has until the controllers notice. */
function isReady({ spec, status }: V1Node): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && spec?.taints?.length === 1;
}

async function inLanes<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const waiting = all.values();
  const lane = async (): Promise<void> => {
    for (const one of waiting) await work(one);
  };
  await Promise.all(Array.from({ length: callsAtOnce }, lane));
}
