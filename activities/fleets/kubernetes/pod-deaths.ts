import type { V1Pod } from '@kubernetes/client-node';
import { downloaderContainer } from './job-template.ts';
import { shorten } from './waiting-reason.ts';

/** What the Job controller writes on a pod: kubernetes.io/docs/reference/labels-annotations-taints/#batch-kubernetes-io-job-completion-index */
const annotation = {
  index: 'batch.kubernetes.io/job-completion-index',
  /** Failures of the index before this pod that count … */
  failures: 'batch.kubernetes.io/job-index-failure-count',
  /** … and those that the failure policy ignores: disruptions. */
  ignored: 'batch.kubernetes.io/job-index-ignored-failure-count',
} as const;

const jobNameLabel = 'batch.kubernetes.io/job-name';

/** A downloader that lived shorter did not get to work: it dies of its surroundings, not of an item. */
const immediateDeathMs = 5_000;

/**
 * After so many immediate deaths of an index in a row nobody believes in the next. With the Job controller's pauses (10 s,
 * doubling) that is more than five minutes: longer than what passes by itself.
 */
const maxImmediateDeaths = 6;

/**
 * How many downloaders of a run were replaced. The count is carried from pod to pod of an index, so it outlives pods that
 * went away with their node.
 * @param pods their metadata is enough.
 */
export function countReplaced(pods: readonly V1Pod[]): { replaced: number; preempted: number } {
  const failures = new Map<string, number>();
  const ignored = new Map<string, number>();
  for (const { metadata } of pods) {
    const notes = metadata?.annotations ?? {};
    const index = `${metadata?.labels?.[jobNameLabel] ?? ''} ${notes[annotation.index] ?? ''}`;
    raise(failures, index, notes[annotation.failures]);
    raise(ignored, index, notes[annotation.ignored]);
  }
  const preempted = sum(ignored);
  return { replaced: sum(failures) + preempted, preempted };
}

function raise(counts: Map<string, number>, index: string, text: string | undefined): void {
  counts.set(index, Math.max(counts.get(index) ?? 0, Number(text ?? 0)));
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

/** Whether its machine took the pod with it. */
export function isDisrupted(pod: V1Pod): boolean {
  return (
    pod.status?.conditions?.some(
      ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
    ) === true
  );
}

/** A pod that outlived its grace time by so much has nobody to end it: its node is gone. */
const overdueMs = 30_000;

/** A deletion's time is when the grace time ends: kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination */
export function isOverdue({ metadata }: V1Pod): boolean {
  const endsAt = metadata?.deletionTimestamp;
  return endsAt !== undefined && Date.now() - endsAt.getTime() > overdueMs;
}

/** The one that failed last. */
export function lastDeath(pods: readonly V1Pod[]): V1Pod | undefined {
  return byEnd(pods).at(-1);
}

function byEnd(pods: readonly V1Pod[]): V1Pod[] {
  return pods.toSorted((a, b) => endedAtMs(a) - endedAtMs(b));
}

/**
 * Deaths longer ago say nothing of now: the Job controller tries again after ten minutes at the longest, and one try that
 * went well has no death to show.
 */
const freshMs = 660_000;

/**
 * The last pod of an index that died again and again, right after each start; undefined when there is none.
 * @param dead pods that failed. One that was disrupted at once says nothing; one that worked first ends the row.
 */
export function findHopeless(dead: readonly V1Pod[], nowMs: number): V1Pod | undefined {
  const byIndex = Map.groupBy(
    dead.filter((pod) => !(isDisrupted(pod) && diedAtOnce(pod))),
    ({ metadata }) => metadata?.annotations?.[annotation.index],
  );
  for (const pods of byIndex.values()) {
    const row = byEnd(pods).slice(-maxImmediateDeaths);
    const last = row.at(-1);
    if (row.length < maxImmediateDeaths || last === undefined || !row.every(diedAtOnce)) continue;
    if (nowMs - endedAtMs(last) < freshMs) return last;
  }
  return undefined;
}

function diedAtOnce(pod: V1Pod): boolean {
  const ended = terminatedOf(pod);
  if (ended === undefined) return false;
  return (ended.finishedAt?.getTime() ?? 0) - (ended.startedAt?.getTime() ?? 0) < immediateDeathMs;
}

/** How a pod ended, and its last words. */
export function describeDeath(pod: V1Pod): string {
  const name = pod.metadata?.name ?? '';
  if (isDisrupted(pod)) return `run pod ${name}: preempted or evicted`;
  const ended = terminatedOf(pod);
  // Evicted for what it used, for example: the kubelet's own words say more than an exit code.
  if (ended === undefined || pod.status?.message) {
    return shorten(
      `run pod ${name}: ${pod.status?.reason ?? 'failed'}: ${pod.status?.message ?? ''}`,
    );
  }
  const how = `exit code ${ended.exitCode}${ended.reason === 'Error' ? '' : ` (${ended.reason})`}`;
  return shorten(`run pod ${name}: ${how}${ended.message ? `, "${ended.message.trim()}"` : ''}`);
}

/** Whether the pod itself tells why it ended; else its log has to be asked. */
export function hasLastWords(pod: V1Pod): boolean {
  return Boolean(terminatedOf(pod)?.message);
}

function terminatedOf(pod: V1Pod) {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === downloaderContainer);
  return status?.state?.terminated;
}

function endedAtMs(pod: V1Pod): number {
  return (terminatedOf(pod)?.finishedAt ?? pod.metadata?.creationTimestamp)?.getTime() ?? 0;
}
