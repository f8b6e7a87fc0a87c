import type { V1Container, V1Job, V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node';
import { assignmentVariable } from '../../../domain/assignment.ts';
import {
  downloaderLabels,
  generationLabel,
  runLabel,
  workflowAnnotation,
} from '../../../domain/labels.ts';
import type { FleetPlan } from '../fleet.ts';
import { downloaderOf, podSpecOf, stagingVolume } from './job-template.ts';
import type { JobTemplate } from './job-template.ts';

/** Where and as what a plan becomes a Job. */
export type JobPlace = {
  readonly namespace: string;
  /** Which one of the run's Jobs, from 1. */
  readonly generation: number;
  /** `runLabels` of the run. */
  readonly labels: Readonly<Record<string, string>>;
  /** The Google Cloud project of the run's queue and bucket. */
  readonly projectId: string;
  readonly image: string;
  readonly serviceAccount: string;
};

/** Twice what is staged: merging picture and sound needs both and the result. */
const stagingFactor = 2;

/** A run ends itself at its own time limit; the Job's deadline lies an hour later, for one that nobody looks after. */
const deadlineReserveSeconds = 3_600;

/** How it ended is read from the Job: it must outlive the longest pause between two looks, and an API server's absence. */
const leastTtlSeconds = 3_600;

/** `<run>-<generation>`: a name that a person finds, and short enough for an index and a suffix behind it (63 in all). */
export function jobName(run: string, generation: number): string {
  return `${run}-${generation}`;
}

/** The Job of a plan: the template with what belongs to the run filled in. A pure function; the template stays as it is. */
export function buildJob(template: JobTemplate, plan: FleetPlan, place: JobPlace): V1Job {
  const job = structuredClone(template.job);
  const { pod, workers } = plan;
  const labels = {
    ...pod.labels,
    ...downloaderLabels,
    ...place.labels,
    [generationLabel]: String(place.generation),
  };
  const mark = (metadata: V1ObjectMeta): V1ObjectMeta =>
    Object.assign(metadata, {
      labels: { ...metadata.labels, ...labels },
      annotations: {
        ...metadata.annotations,
        ...pod.annotations,
        [workflowAnnotation]: plan.workflowId,
      },
    });
  job.metadata = Object.assign(mark(job.metadata ?? {}), {
    name: jobName(plan.run, place.generation),
    namespace: place.namespace,
  });
  const spec = job.spec!;
  spec.completions = workers;
  spec.parallelism = workers;
  spec.ttlSecondsAfterFinished = Math.max(leastTtlSeconds, spec.ttlSecondsAfterFinished ?? 0);
  const deadlineSeconds = deadlineOf(spec.activeDeadlineSeconds, plan.timeLimitMs);
  if (deadlineSeconds !== undefined) spec.activeDeadlineSeconds = deadlineSeconds;
  spec.template.metadata = mark(spec.template.metadata ?? {});
  const podSpec = podSpecOf(job);
  podSpec.serviceAccountName = place.serviceAccount;
  fillPod(podSpec, plan);
  const container = downloaderOf(job);
  container.image = place.image;
  fillContainer(container, plan, {
    [assignmentVariable]: JSON.stringify(plan.assignment),
    GOOGLE_CLOUD_PROJECT: place.projectId,
    SPOTLOOP_GRACE_SECONDS: String(template.graceSeconds),
  });
  return job;
}

function deadlineOf(seconds: number | undefined, timeLimitMs: number | undefined) {
  if (timeLimitMs === undefined) return seconds;
  const ofRun = Math.ceil(timeLimitMs / 1000) + deadlineReserveSeconds;
  return Math.min(seconds ?? ofRun, ofRun);
}

function fillPod(spec: V1PodSpec, plan: FleetPlan): void {
  const { pod, placement, assignment } = plan;
  if (pod.nodeSelector !== undefined) spec.nodeSelector = pod.nodeSelector;
  if (pod.tolerations !== undefined) {
    spec.tolerations = [...(spec.tolerations ?? []), ...pod.tolerations];
  }
  if (placement === 'one-per-node') {
    spec.affinity ??= {};
    const away = (spec.affinity.podAntiAffinity ??= {});
    away.requiredDuringSchedulingIgnoredDuringExecution = [
      ...(away.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      {
        topologyKey: 'kubernetes.io/hostname',
        labelSelector: { matchLabels: { [runLabel]: plan.run } },
      },
    ];
  }
  const staging = spec.volumes?.find(({ name }) => name === stagingVolume)?.emptyDir;
  // `http` streams into the bucket and stages nothing.
  if (staging !== undefined && assignment.task.kind !== 'http') {
    const bytes = stagingFactor * assignment.concurrency * assignment.maxItemSizeBytes;
    staging.sizeLimit ??= String(bytes);
  }
}

function fillContainer(
  container: V1Container,
  { pod }: FleetPlan,
  variables: Readonly<Record<string, string>>,
): void {
  if (pod.resources !== undefined) container.resources = pod.resources;
  const others = (container.env ?? []).filter(({ name }) => !Object.hasOwn(variables, name));
  container.env = [
    ...others,
    ...Object.entries(variables).map(([name, value]) => ({ name, value })),
  ];
}
