import type { CoreV1Event, V1Job, V1Pod } from '@kubernetes/client-node';
import type { FleetState } from '../../../domain/fleet-state.ts';
import { isQuota } from './api-error.ts';
import { happenedAtMs } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import { countWanted, parseIndexes } from './completed-indexes.ts';
import { isPaused, isSuspended } from './pause.ts';
import {
  countReplaced,
  describeDeath,
  findHopeless,
  hasLastWords,
  isOverdue,
  lastDeath,
} from './pod-deaths.ts';
import { shorten, waitingReason } from './waiting-reason.ts';

/** Being deleted: its name is taken until its pods are gone, but no pod comes any more. */
export function isDeleted(job: V1Job): boolean {
  return job.metadata?.deletionTimestamp !== undefined;
}

/** Complete or failed: no pod comes any more. */
export function isFinished(job: V1Job): boolean {
  return hasCondition(job, 'Complete') || failureOf(job) !== undefined;
}

/**
 * A Job's state in our words. Costs one call for the pods' metadata, and two or three more while fewer pods are ready than
 * wanted, to say why.
 */
export async function readJob(cluster: Cluster, run: string, job: V1Job): Promise<FleetState> {
  const failure = failureOf(job);
  if (failure !== undefined) return failed(cluster, run, job, failure);
  if (hasCondition(job, 'Complete')) return { kind: 'done' };
  if (isPaused(job)) return { kind: 'suspended' };

  const { completions = 0 } = job.spec ?? {};
  const wanted = countWanted(completions, parseIndexes(job.status?.completedIndexes));
  const live = job.status?.ready ?? 0;
  const pods = await cluster.listPodMetadata(run);
  const running = { kind: 'running', live, wanted, ...countReplaced(pods) } as const;
  if (live >= wanted) return running;
  const waiting = (await whyWaiting(cluster, run, job)) ?? whyNotReady(job, pods);
  // One that works may finish the run; only when nobody does is it over.
  if (waiting.kind === 'definite' && live === 0) {
    return { kind: 'failed', message: `${jobText(cluster, job)}: ${waiting.reason}` };
  }
  return { ...running, waitingFor: waiting.reason };
}

type Why = { readonly kind: 'passing' | 'definite'; readonly reason: string };

/** Null when no pod tells. */
async function whyWaiting(cluster: Cluster, run: string, job: V1Job): Promise<Why | null> {
  const nowMs = Date.now();
  if (isSuspended(job)) {
    return { kind: 'passing', reason: 'whoever suspended its Job, such as a queue of Jobs' };
  }
  const pending = await cluster.listSomePods(run, 'Pending');
  const [first] = pending;
  // Pods wait for the same thing: the events of one tell an autoscaler's or a volume's reasons.
  const events = first === undefined ? [] : await cluster.listEvents(first.metadata?.uid ?? '');
  const reasons = pending.map((pod) => waitingReason(pod, pod === first ? events : [], nowMs));
  const reason = reasons.find(({ kind }) => kind === 'definite') ?? reasons[0];
  if (reason !== undefined) return reason;

  const refused = podRefusal(await cluster.listEvents(job.metadata?.uid ?? ''), nowMs);
  if (refused !== null) return refused;
  const dead = await failedPods(cluster, run, job);
  const hopeless = findHopeless(dead, nowMs);
  if (hopeless !== undefined) {
    return {
      kind: 'definite',
      reason: `${await lastWords(cluster, hopeless)} (again and again, right after its start)`,
    };
  }
  const last = lastDeath(dead);
  return last === undefined
    ? null
    : { kind: 'passing', reason: `the next downloader: ${describeDeath(last)}` };
}

/** What the Job and the pods' metadata tell: pods are on their way in, or on their way out. */
function whyNotReady(job: V1Job, pods: readonly V1Pod[]): Why {
  const stuck = pods.find(isOverdue);
  if (stuck !== undefined) {
    return {
      kind: 'passing',
      reason: `the end of pod ${stuck.metadata?.name ?? ''}, whose node is silent`,
    };
  }
  const isEnding = (job.status?.terminating ?? 0) > 0;
  return { kind: 'passing', reason: isEnding ? 'pods to end before others come' : 'its pods' };
}

/** A refusal that was repeated within this time still holds: the Job controller tries again with pauses that grow. */
const refusalFreshMs = 120_000;

/** Why the Job controller could not create pods, by its own events. */
function podRefusal(events: readonly CoreV1Event[], nowMs: number): Why | null {
  const event = events.findLast(({ reason }) => reason === 'FailedCreate');
  if (event === undefined || nowMs - happenedAtMs(event) > refusalFreshMs) return null;
  const message = shorten((event.message ?? '').replace(/^Error creating: /, ''));
  return {
    kind: 'passing',
    reason: isQuota(message)
      ? `the namespace's quota: ${message}`
      : `its pods, which the API server refuses: ${message}`,
  };
}

async function failed(
  cluster: Cluster,
  run: string,
  job: V1Job,
  failure: Failure,
): Promise<FleetState> {
  const pod = await findCulprit(cluster, run, job, failure);
  const words =
    pod === undefined ? `${failure.reason}: ${failure.message}` : await lastWords(cluster, pod);
  return { kind: 'failed', message: `${jobText(cluster, job)} failed: ${words}` };
}

/** The pod that matched a rule of the failure policy, which the Job names; undefined when it failed of something else. */
async function findCulprit(
  cluster: Cluster,
  run: string,
  job: V1Job,
  { reason, message }: Failure,
): Promise<V1Pod | undefined> {
  const name = / for pod [^/ ]+\/(\S+) /.exec(message)?.[1];
  const named = name === undefined ? undefined : await cluster.findPod(run, name);
  if (named !== undefined || reason !== 'PodFailurePolicy') return named;
  return lastDeath(await failedPods(cluster, run, job));
}

/** How a pod ended, with the last lines of its log where it left no message. */
async function lastWords(cluster: Cluster, pod: V1Pod): Promise<string> {
  const death = describeDeath(pod);
  if (hasLastWords(pod)) return death;
  // The log goes with the pod's node: then there is nothing more to say.
  const log = await cluster.readLog(pod.metadata?.name ?? '').catch(() => '');
  return log.trim() === '' ? death : `${death}, its log ends with:\n${log.trim()}`;
}

async function failedPods(cluster: Cluster, run: string, job: V1Job): Promise<V1Pod[]> {
  const pods = await cluster.listSomePods(run, 'Failed');
  return pods.filter(({ metadata }) =>
    metadata?.ownerReferences?.some(({ uid }) => uid === job.metadata?.uid),
  );
}

type Failure = { readonly reason: string; readonly message: string };

/** `FailureTarget` comes before `Failed`, which waits for the last pods: kubernetes.io/docs/concepts/workloads/controllers/job/#termination-of-job-pods */
function failureOf(job: V1Job): Failure | undefined {
  const condition = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Failed' || type === 'FailureTarget') && status === 'True',
  );
  return condition && { reason: condition.reason ?? '', message: condition.message ?? '' };
}

function hasCondition(job: V1Job, wanted: string): boolean {
  return (
    job.status?.conditions?.some(({ type, status }) => type === wanted && status === 'True') ===
    true
  );
}

function jobText({ namespace }: Cluster, job: V1Job): string {
  return `Job ${job.metadata?.name ?? ''} in namespace ${namespace}`;
}
