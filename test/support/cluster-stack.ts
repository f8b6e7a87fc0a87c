import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import { BatchV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { runLabel } from '../../domain/labels.ts';
import { runName } from '../../domain/names.ts';
import type { Progress, RunResult } from '../../domain/progress.ts';
import type { RunSpecInput } from '../../domain/run-spec.ts';
import type { Cluster } from '../../infra/local/cluster/cluster.ts';
import { startTemporalWorker } from '../../infra/local/temporal-worker.ts';
import { clipOf } from '../../infra/local/site/clip.ts';
import type { KubernetesFleet } from '../../infra/local/kubernetes-fleet.ts';
import { readWorkflowBundle } from '../../workers/temporal/workflow-bundle.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { settledOf, startRunStack, waitUntil } from './run-stack.ts';
import type { RunHandle, RunStack } from './run-stack.ts';
import { uniqueName } from './unique-name.ts';

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

/** The cluster that was started for the tests, whose nodes can be broken. */
export function clusterOf({ kubernetes }: ClusterStack): Cluster {
  assert.ok(kubernetes.cluster !== undefined, 'the nodes of a cluster in KUBECONFIG are not ours');
  return kubernetes.cluster;
}

async function start(): Promise<ClusterStack> {
  const world = await startRunStack({ fleet: 'kubernetes' });
  const { kubernetes } = world.stack;
  assert.ok(kubernetes !== undefined);
  const config = new KubeConfig();
  config.loadFromFile(kubernetes.kubeconfig);
  return {
    ...world,
    kubernetes,
    namespace: kubernetes.namespace,
    core: config.makeApiClient(CoreV1Api),
    batch: config.makeApiClient(BatchV1Api),
  };
}

/** A namespace of its own, and a Temporal worker whose Jobs are there. */
export type Corner = { readonly namespace: string; readonly taskQueue: string };

let bundle: Promise<string> | undefined;

/** The workflow bundle, made once: each Temporal worker of a corner would take ten seconds of a core for its own. */
async function makeBundle(world: ClusterStack): Promise<string> {
  const file = join(world.stack.logFolder, 'workflows.js');
  const { code } = await readWorkflowBundle(undefined);
  await writeFile(file, code);
  return file;
}

/** Makes a corner of the cluster; its Temporal worker ends with the test. */
export async function addCorner(
  world: ClusterStack,
  test: TestContext,
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
      SPOTLOOP_WORKFLOW_BUNDLE: await (bundle ??= makeBundle(world)),
      ...(await change(env)),
    },
    logFolder: join(world.stack.logFolder, namespace),
    report: (line) => test.diagnostic(line),
  });
  test.after(() => worker.stop());
  return { namespace, taskQueue: namespace };
}

/** A run of a test, by the name that all it owns carries. */
export type ClusterRun = {
  readonly handle: RunHandle;
  readonly name: string;
  readonly keys: readonly string[];
  /** Under it its objects are. */
  readonly prefix: string;
};

/** A list: so many keys, or these; the site takes so many seconds for each, or for the first of them. */
type Items = (
  { readonly count: number; readonly keys?: undefined } | { readonly keys: readonly string[] }
) & {
  readonly seconds?: number;
  readonly slow?: { readonly first: number; readonly seconds: number };
};

/** The shortest lease that Pub/Sub has: what a dead pod held comes back after it. */
const leaseDeadline = '10s';

/** The task that fetches the site's clips without yt-dlp. */
export function clips(world: ClusterStack) {
  const url = `${world.stack.site.address}/clips/{key}.mp4`;
  return { kind: 'http', url, extension: 'mp4' } as const;
}

/** Starts a run whose items are clips of the site, fetched by `http`; slow ones take so many seconds each. */
export async function startRun(
  world: ClusterStack,
  name: string,
  items: Items,
  { corner, ...more }: Partial<RunSpecInput> & { corner?: Corner } = {},
): Promise<ClusterRun> {
  const prefix = uniqueName(name);
  const keys =
    items.keys ?? Array.from({ length: items.count }, (_, position) => `${prefix}-${position}`);
  if (items.seconds !== undefined) await makeSlow(world, keys, items.seconds);
  const { first, seconds } = items.slow ?? { first: 0, seconds: 0 };
  await makeSlow(world, keys.slice(0, first), seconds);
  const input = {
    items: [...keys],
    destination: `gs://spotloop-local/${prefix}/`,
    task: clips(world),
    leaseDeadline,
    ...more,
  };
  const handle = await world.start(prefix, input, corner?.taskQueue);
  return { handle, name: nameOf(handle), keys, prefix };
}

/** The name under which a run's Jobs, topics and folder are found. */
export function nameOf(handle: RunHandle): string {
  return runName(handle.workflowId, handle.firstExecutionRunId);
}

export async function makeSlow(
  world: ClusterStack,
  keys: readonly string[],
  seconds: number,
): Promise<void> {
  for (const id of keys) {
    const body = JSON.stringify({ id, kind: 'slow', seconds });
    const answer = await fetch(`${world.stack.site.address}/behaviour`, { method: 'POST', body });
    assert.ok(answer.ok, await answer.text());
  }
}

export function progressOf({ handle }: ClusterRun): Promise<Progress> {
  return handle.query(progressQuery);
}

/** The run's pods, oldest first. */
export async function podsOf(
  world: ClusterStack,
  run: ClusterRun,
  namespace: string = world.namespace,
): Promise<V1Pod[]> {
  const labelSelector = `${runLabel}=${run.name}`;
  const { items } = await world.core.listNamespacedPod({ namespace, labelSelector });
  const bornMs = ({ metadata }: V1Pod) => metadata?.creationTimestamp?.getTime() ?? 0;
  return items.toSorted((a, b) => bornMs(a) - bornMs(b));
}

/** Those of them that work, or are about to: ready, and not asked to end. */
export async function livePodsOf(world: ClusterStack, run: ClusterRun): Promise<V1Pod[]> {
  return (await podsOf(world, run)).filter(isLive);
}

export function isLive({ metadata, status }: V1Pod): boolean {
  return (
    metadata?.deletionTimestamp === undefined &&
    status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true
  );
}

export async function jobsOf(
  world: ClusterStack,
  run: ClusterRun,
  namespace: string = world.namespace,
): Promise<V1Job[]> {
  const labelSelector = `${runLabel}=${run.name}`;
  return (await world.batch.listNamespacedJob({ namespace, labelSelector })).items;
}

/** The condition by which a pod tells that its machine took it; undefined when it has none. */
export function disruptionOf(pod: V1Pod | undefined) {
  return pod?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
}

/** How many disruptions the pod's index had before it, by the Job controller's count. */
export function disruptionsBefore({ metadata }: V1Pod): number {
  const count = metadata?.annotations?.['batch.kubernetes.io/job-index-ignored-failure-count'];
  return Number(count ?? 0);
}

/** The same for deaths that count as failures. */
export function failuresBefore({ metadata }: V1Pod): number {
  return Number(metadata?.annotations?.['batch.kubernetes.io/job-index-failure-count'] ?? 0);
}

export function indexOf(pod: V1Pod): string {
  return pod.metadata?.annotations?.['batch.kubernetes.io/job-completion-index'] ?? '';
}

export function nameOfPod(pod: V1Pod | undefined): string {
  assert.ok(pod?.metadata?.name !== undefined, 'there is such a pod');
  return pod.metadata.name;
}

/** Waits until so many of the run's pods live, and gives them back. */
export async function untilLive(
  world: ClusterStack,
  run: ClusterRun,
  count: number,
): Promise<V1Pod[]> {
  let pods: V1Pod[] = [];
  await waitUntil(async () => {
    pods = await livePodsOf(world, run);
    return pods.length === count;
  });
  return pods;
}

export async function untilSettled(run: ClusterRun, count: number): Promise<void> {
  await waitUntil(async () => (await settledOf(run.handle).catch(() => 0)) >= count);
}

/** As the scheduler, a drain, or GKE's handling of a preempted node ends a pod. */
export async function evict(world: ClusterStack, pod: V1Pod): Promise<void> {
  const name = nameOfPod(pod);
  await world.core.createNamespacedPodEviction({
    namespace: world.namespace,
    name,
    body: { metadata: { name, namespace: world.namespace } },
  });
}

/** Everything that must hold of a run that did all its items: counts, bytes, one result each, and nothing left. */
export async function assertExact(world: ClusterStack, run: ClusterRun): Promise<RunResult> {
  const result: RunResult = await run.handle.result();
  const { keys, prefix } = run;
  assert.deepEqual([result.total, result.stored], [keys.length, keys.length]);
  assert.deepEqual(await world.objects(prefix), keys.map((key) => `${key}.mp4`).toSorted());
  for (const key of keys) {
    const bytes = await readFile(join(world.stack.bucketFolder, prefix, `${key}.mp4`));
    assert.ok(bytes.equals(clipOf(key)), `${key} differs from what the site serves`);
  }
  const results = await resultsOf(world, result.runFolder);
  assert.deepEqual(
    results.map(({ key }) => key),
    keys,
  );
  await assertNothingLeft(world, run);
  return result;
}

/** The message and type that a run failed with, as Temporal shows them. */
export async function failureOf({
  handle,
}: ClusterRun): Promise<{ type: string; message: string }> {
  try {
    await handle.result();
  } catch (error) {
    assert.ok(error instanceof WorkflowFailedError, String(error));
    const { cause } = error;
    assert.ok(cause instanceof ApplicationFailure, String(cause));
    return { type: cause.type ?? '', message: cause.message };
  }
  return assert.fail('the run did not fail');
}

/** Lines of a run's results, in the list's order. */
export async function resultsOf(
  world: ClusterStack,
  runFolder: string,
): Promise<{ key: string; outcome: string; attempts?: number; error?: string }[]> {
  const text = await world.readRunFile(runFolder, 'results.jsonl');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { key: string; outcome: string });
}

/** Lines of one of a run's lists of keys. */
export async function linesOf(
  world: ClusterStack,
  runFolder: string,
  file: 'failed.txt' | 'remaining.txt',
): Promise<string[]> {
  const text = await world.readRunFile(runFolder, file);
  return text.split('\n').filter((line) => line !== '');
}

/** Neither Job nor pod nor topic of the run is there any more. */
export async function assertNothingLeft(
  world: ClusterStack,
  run: ClusterRun,
  namespace: string = world.namespace,
): Promise<void> {
  assert.deepEqual(await jobsOf(world, run, namespace), [], 'Jobs are left');
  assert.deepEqual(await podsOf(world, run, namespace), [], 'pods are left');
  const queue = await world.queueLeft();
  assert.deepEqual(
    queue.filter((name) => name.includes(run.name)),
    [],
    'topics or subscriptions are left',
  );
}
