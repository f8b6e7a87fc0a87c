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
  const container = pod.containers?.find(({ name }) => name === downloaderContainer);
  if (container === undefined) return `it has no container named "${downloaderContainer}"`;
  if (!container.image) return `container ${downloaderContainer} has no image`;
  return null;
}
