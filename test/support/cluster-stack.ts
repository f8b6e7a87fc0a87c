import assert from 'node:assert/strict';
import { join } from 'node:path';
import { BatchV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { Cluster } from '../../infra/local/cluster/cluster.ts';
import { poolLabel } from '../../infra/local/cluster/node-config.ts';
import type { KubernetesFleet } from '../../infra/local/kubernetes-fleet.ts';
import { startTemporalWorker } from '../../infra/local/temporal-worker.ts';
import { startRunStack } from './run-stack.ts';
import type { RunStack } from './run-stack.ts';
import { uniqueName } from './unique-name.ts';
import { makeWorkflowBundle } from './workflow-bundle.ts';

/** The local stack with its cluster, and what a test of runs on it asks of both. */
export type ClusterStack = RunStack & {
  readonly kubernetes: KubernetesFleet;
  readonly namespace: string;
  /** The administrator's clients. */
  readonly core: CoreV1Api;
  readonly batch: BatchV1Api;
};

let started: Promise<ClusterStack> | undefined;

/** Starts stack and cluster, once for all test files of this process; {@link stopClusterStack} ends them. */
export function startClusterStack(): Promise<ClusterStack> {
  return (started ??= start());
}

export async function stopClusterStack(): Promise<void> {
  const stopping = started;
  started = undefined;
  await (await stopping)?.stop();
}

/** The pool of two nodes that tests break; only the pods of their runs are there. */
const breakablePool = 'breakable';

/** What a run's `pod` asks for to be on these nodes. */
export const onBreakableNodes = {
  nodeSelector: { [poolLabel]: breakablePool },
  tolerations: [{ key: poolLabel, operator: 'Exists' as const }],
};

/** The cluster that was started for the tests. */
export function clusterOf({ kubernetes }: ClusterStack): Cluster {
  assert.ok(kubernetes.cluster !== undefined, 'the nodes of a cluster in KUBECONFIG are not ours');
  return kubernetes.cluster;
}

async function start(): Promise<ClusterStack> {
  const bundle = await makeWorkflowBundle();
  const runStack = await startRunStack({
    fleet: 'kubernetes',
    extraPool: breakablePool,
    env: bundle.env,
  });
  const { kubernetes } = runStack.stack;
  assert.ok(kubernetes !== undefined);
  const config = new KubeConfig();
  config.loadFromFile(kubernetes.kubeconfig);
  return {
    ...runStack,
    kubernetes,
    namespace: kubernetes.namespace,
    core: config.makeApiClient(CoreV1Api),
    batch: config.makeApiClient(BatchV1Api),
    stop: async () => {
      await runStack.stop();
      await bundle.remove();
    },
  };
}

/** A namespace of its own, and a Temporal worker whose Jobs are there. */
export type Corner = {
  readonly namespace: string;
  readonly taskQueue: string;
  /** Ends the Temporal worker. */
  readonly stop: () => Promise<void>;
};

/** Makes a corner of the cluster: some seconds of a core, for its Temporal worker. */
export async function addCorner(
  world: ClusterStack,
  name: string,
  /** Variables that are to be otherwise. */
  change: (
    env: Record<string, string>,
  ) => Promise<Record<string, string>> | Record<string, string> = () => ({}),
): Promise<Corner> {
  const namespace = uniqueName(name);
  const env = await world.kubernetes.addNamespace(namespace);
  const worker = await startTemporalWorker({
    env: {
      ...world.stack.env,
      ...env,
      SPOTLOOP_TASK_QUEUE: namespace,
      ...(await change(env)),
    },
    logFolder: join(world.stack.logFolder, namespace),
    report: (line) => process.stderr.write(`${line}\n`),
  });
  return { namespace, taskQueue: namespace, stop: () => worker.stop() };
}
