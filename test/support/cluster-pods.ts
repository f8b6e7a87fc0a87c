import assert from 'node:assert/strict';
import type { V1Job, V1Pod } from '@kubernetes/client-node';
import { runLabel } from '../../domain/labels.ts';
import type { ClusterStack } from './cluster-stack.ts';
import { waitUntil } from './run-stack.ts';

/** The Jobs and pods of a run on a cluster. */

/** A run by the name that all it owns carries. */
type Named = { readonly name: string };

/** The run's pods, oldest first. */
export async function podsOf(
  world: ClusterStack,
  run: Named,
  namespace: string = world.namespace,
): Promise<V1Pod[]> {
  const labelSelector = `${runLabel}=${run.name}`;
  const { items } = await world.core.listNamespacedPod({ namespace, labelSelector });
  const bornMs = ({ metadata }: V1Pod) => metadata?.creationTimestamp?.getTime() ?? 0;
  return items.toSorted((a, b) => bornMs(a) - bornMs(b));
}

/** Those of them that work, or are about to: ready, and not asked to end. */
export async function livePodsOf(world: ClusterStack, run: Named): Promise<V1Pod[]> {
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
  run: Named,
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
export async function untilLive(world: ClusterStack, run: Named, count: number): Promise<V1Pod[]> {
  let pods: V1Pod[] = [];
  await waitUntil(async () => {
    pods = await livePodsOf(world, run);
    return pods.length === count;
  });
  return pods;
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
