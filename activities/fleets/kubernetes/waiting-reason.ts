import type { CoreV1Event, V1Pod } from '@kubernetes/client-node';

/** Why a pod does not run yet. */
export type Waiting =
  /** It may come to run by itself. */
  | { readonly kind: 'passing'; readonly reason: string }
  /** It will not, unless somebody changes something. */
  | { readonly kind: 'definite'; readonly reason: string };

/** Enough for a scheduler's sentence; the rest of it is on the pod. */
const maxReasonLength = 240;

/** The kubelet says of these that trying again is of no use: kubernetes pkg/kubelet/images/types.go */
const definiteReasons = new Set(['InvalidImageName', 'ErrImageNeverPull']);

/**
 * And these may pass, such as a registry that is away or a secret that comes later. After five minutes, in which the kubelet
 * tried a handful of times, nobody believes in it any more.
 */
const patientReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ImageInspectError',
  'RegistryUnavailable',
  'CreateContainerConfigError',
  'CreateContainerError',
  'RunContainerError',
]);
const patienceMs = 300_000;

/** Machines that are sold out: GKE's autoscaler passes on what Compute Engine says. */
const stockout =
  /out of resources|stockout|resource_pool_exhausted|does not have enough resources/i;

/**
 * What a pending pod waits for, in our words with the cluster's own behind.
 * @param events those of the pod, newest last; an autoscaler explains itself only there.
 */
export function waitingReason(pod: V1Pod, events: readonly CoreV1Event[], nowMs: number): Waiting {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') {
    const scaleUp = events.findLast(({ reason }) => reason === 'FailedScaleUp');
    if (scaleUp !== undefined) return passing(nodeText(scaleUp.message ?? ''));
    return passing(nodeText(firstSentence(scheduled.message ?? scheduled.reason ?? '')));
  }
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  for (const status of [...initContainerStatuses, ...containerStatuses]) {
    const waiting = status.state?.waiting;
    const reason = waiting?.reason;
    if (reason === undefined) continue;
    const isDefinite = definiteReasons.has(reason);
    if (!isDefinite && !patientReasons.has(reason)) continue;
    const text = `${/image|registry/i.test(reason) ? `image ${status.image}` : 'the container'}: ${reason}: ${waiting?.message ?? ''}`;
    const sinceMs = nowMs - (pod.status?.startTime?.getTime() ?? nowMs);
    return isDefinite || sinceMs > patienceMs
      ? { kind: 'definite', reason: shorten(text) }
      : passing(shorten(text));
  }
  const mount = events.findLast(({ reason }) => reason === 'FailedMount');
  if (mount !== undefined) return passing(shorten(`its volumes: ${mount.message ?? ''}`));
  return passing(
    scheduled === undefined ? 'the scheduler' : `pod ${pod.metadata?.name ?? ''} to start`,
  );
}

function nodeText(message: string): string {
  const what = stockout.test(message) ? 'Spot capacity' : 'room on a node';
  return shorten(message === '' ? what : `${what}: ${message}`);
}

function passing(reason: string): Waiting {
  return { kind: 'passing', reason };
}

/** "0/2 nodes are available: 2 Insufficient cpu. preemption: …": what preemption might have done helps nobody. */
function firstSentence(message: string): string {
  return (message.split(/\. (?=no new claims|preemption:)/, 1)[0] ?? '').replace(/\.$/, '');
}

export function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= maxReasonLength ? line : `${line.slice(0, maxReasonLength - 1)}…`;
}
