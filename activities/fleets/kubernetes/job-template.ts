import { loadYaml } from '@kubernetes/client-node';
import type { V1Container, V1Job, V1PodSpec } from '@kubernetes/client-node';

/** The container that is the downloader, by its name in the template. */
export const downloaderContainer = 'downloader';

/** The volume whose limit follows from what a run may stage. */
export const stagingVolume = 'staging';

/** A Job as an operator wrote it, with the parts that we fill in known to be there. */
export type JobTemplate = {
  readonly job: V1Job;
  readonly image: string;
  readonly serviceAccount: string;
  /** Seconds between SIGTERM and SIGKILL. */
  readonly graceSeconds: number;
};

/** Kubernetes' own default: kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination */
const defaultGraceSeconds = 30;

/**
 * Reads a Job template, such as k8s/job.yaml.
 * @param name how an error calls it, its path for example.
 * @throws Error in one line that names what is missing or would not work.
 */
export function parseJobTemplate(text: string, name: string): JobTemplate {
  let job: V1Job;
  try {
    job = loadYaml<V1Job>(text);
  } catch (cause) {
    throw new Error(`read Job template ${name}: not YAML: ${String(cause).split('\n', 1)[0]}`, {
      cause,
    });
  }
  const problem = problemOf(job);
  if (problem !== null) throw new Error(`read Job template ${name}: ${problem}`);
  const spec = podSpecOf(job);
  return {
    job,
    image: downloaderOf(job).image ?? '',
    serviceAccount: spec.serviceAccountName ?? 'default',
    graceSeconds: spec.terminationGracePeriodSeconds ?? defaultGraceSeconds,
  };
}

/** The pods' spec of a Job whose template passed {@link parseJobTemplate}. */
export function podSpecOf(job: V1Job): V1PodSpec {
  const spec = job.spec?.template.spec;
  if (spec === undefined) throw new Error('the Job has no pod template');
  return spec;
}

/** The downloader's container of such a Job. */
export function downloaderOf(job: V1Job): V1Container {
  const container = podSpecOf(job).containers.find(({ name }) => name === downloaderContainer);
  if (container === undefined) throw new Error(`the Job has no container ${downloaderContainer}`);
  return container;
}

/** Without these a preempted pod, or a few of them, would end the Job. */
const needed = ['backoffLimitPerIndex', 'podFailurePolicy'] as const;
/** One idle downloader would end the Job, or nobody would run it. */
const refused = ['successPolicy', 'managedBy'] as const;

/** What the fleet relies on; all else is the operator's business, and the API server's to judge. */
function problemOf(job: V1Job | undefined): string | null {
  if (job?.kind !== 'Job' || job.apiVersion !== 'batch/v1') {
    return 'it is not a Job of batch/v1';
  }
  const { spec } = job;
  if (spec?.completionMode !== 'Indexed') {
    return 'spec.completionMode is not Indexed — where it is not, one idle downloader ends the replacement of all';
  }
  const pod = spec.template?.spec;
  if (pod === undefined) return 'spec.template.spec is missing';
  if (pod.restartPolicy !== 'Never') {
    return 'spec.template.spec.restartPolicy is not Never — podFailurePolicy needs that';
  }
  const [container, ...others] = pod.containers ?? [];
  if (container?.name !== downloaderContainer) {
    return `its container is not named "${downloaderContainer}"`;
  }
  if (others.length > 0) {
    return `it has a second container, "${others[0]?.name}", and its pods would not end with the downloader — make it an init container with restartPolicy Always`;
  }
  if (!container.image) return `container ${downloaderContainer} has no image`;
  const missing = needed.filter((field) => spec[field] === undefined);
  if (missing.length > 0) return `spec lacks ${missing.join(' and ')} — take it from k8s/job.yaml`;
  const harmful = refused.filter((field) => spec[field] !== undefined);
  if (harmful.length > 0) return `spec has ${harmful.join(' and ')}, which ends or stops the Job`;
  return null;
}
