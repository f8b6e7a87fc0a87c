import type { V1Container, V1Job, V1PodSpec } from '@kubernetes/client-node';
import { CORE_SCHEMA, defineScalarTag, intCoreTag, load } from 'js-yaml';
import { z } from 'zod';

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

const octal = /^0[0-7]+$/;

/** As kubectl reads it, which takes YAML 1.1's octal numbers: `defaultMode: 0440` is no four hundred and forty. */
export const templateSchema = CORE_SCHEMA.withTags(
  defineScalarTag(intCoreTag.tagName, {
    ...intCoreTag,
    resolve: (source, ...rest) =>
      octal.test(source) ? Number.parseInt(source, 8) : intCoreTag.resolve(source, ...rest),
  }),
);

const texts = z.record(z.string(), z.string());
const marks = z.looseObject({ labels: texts.optional(), annotations: texts.optional() }).optional();
const named = z.looseObject({ name: z.string() });
const objects = z.array(z.looseObject({}));

/** The fields that are read here or filled in later. All others go to the API server as they are written. */
const shape = z.looseObject({
  metadata: marks,
  spec: z.looseObject({
    backoffLimitPerIndex: z.number().optional(),
    ttlSecondsAfterFinished: z.number().optional(),
    activeDeadlineSeconds: z.number().optional(),
    podFailurePolicy: z
      .looseObject({ rules: z.array(z.looseObject({ action: z.string() })) })
      .optional(),
    template: z.looseObject({
      metadata: marks,
      spec: z.looseObject({
        serviceAccountName: z.string().optional(),
        terminationGracePeriodSeconds: z.number().optional(),
        containers: z.array(
          named.extend({ image: z.string().optional(), env: z.array(named).optional() }),
        ),
        tolerations: objects.optional(),
        affinity: z
          .looseObject({
            podAntiAffinity: z
              .looseObject({ requiredDuringSchedulingIgnoredDuringExecution: objects.optional() })
              .optional(),
          })
          .optional(),
        volumes: z.array(named).optional(),
      }),
    }),
  }),
});

/**
 * Reads a Job template, such as k8s/job.yaml. Fields that are unknown here are kept: the API server, which is asked before
 * each run, knows which of them are misspelt.
 * @param name how an error calls it, its path for example.
 * @throws Error in one line that names what is missing or would not work.
 */
export function parseJobTemplate(text: string, name: string): JobTemplate {
  const refuse = (problem: string, cause?: unknown): never => {
    throw new Error(`read Job template ${name}: ${problem}`, { cause });
  };
  let read: unknown;
  try {
    // As it is written; the client's own reader would leave out what it does not know.
    read = load(text, { schema: templateSchema });
  } catch (cause) {
    return refuse(`not YAML: ${String(cause).split('\n', 1)[0]}`, cause);
  }
  if (!isJob(read)) return refuse('it is not a Job of batch/v1');
  const { success, error } = shape.safeParse(read);
  if (!success) {
    const wrong = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    return refuse(wrong.join('; '));
  }
  const problem = problemOf(read);
  if (problem !== null) return refuse(problem);
  const spec = podSpecOf(read);
  return {
    job: read,
    image: downloaderOf(read).image ?? '',
    serviceAccount: spec.serviceAccountName ?? 'default',
    graceSeconds: spec.terminationGracePeriodSeconds ?? defaultGraceSeconds,
  };
}

function isJob(value: unknown): value is V1Job {
  const { kind, apiVersion } = (value ?? {}) as Partial<V1Job>;
  return kind === 'Job' && apiVersion === 'batch/v1';
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
/** One idle downloader would end the Job, nobody would run it, or a few failed indices would. */
const refused = ['successPolicy', 'managedBy', 'maxFailedIndexes'] as const;
/** An index that fails for good is one downloader less. A run's poison items kill three each, wherever they come by. */
const leastBackoffLimit = 1_000;

/** What the fleet relies on; all else is the operator's business, and the API server's to judge. */
function problemOf({ spec }: V1Job): string | null {
  if (spec?.completionMode !== 'Indexed') {
    return 'spec.completionMode is not Indexed — where it is not, one idle downloader ends the replacement of all';
  }
  const missing = needed.filter((field) => spec[field] === undefined);
  if (missing.length > 0) return `spec lacks ${missing.join(' and ')} — take it from k8s/job.yaml`;
  const harmful = refused.filter((field) => spec[field] !== undefined);
  if (harmful.length > 0) return `spec has ${harmful.join(' and ')}, which ends or stops the Job`;
  if ((spec.backoffLimitPerIndex ?? 0) < leastBackoffLimit) {
    return `spec.backoffLimitPerIndex is less than ${leastBackoffLimit}, and an index that reached it is not replaced — take it from k8s/job.yaml`;
  }
  if (spec.podFailurePolicy?.rules.some(({ action }) => action === 'FailIndex')) {
    return 'spec.podFailurePolicy has a rule FailIndex, after which that index is not replaced — use Count';
  }
  return podProblemOf(spec.template.spec);
}

function podProblemOf(pod: V1PodSpec | undefined): string | null {
  if (pod?.restartPolicy !== 'Never') {
    return 'spec.template.spec.restartPolicy is not Never — podFailurePolicy needs that';
  }
  const [container, ...others] = pod.containers;
  if (container?.name !== downloaderContainer) {
    return `its container is not named "${downloaderContainer}"`;
  }
  if (others.length > 0) {
    return `it has a second container, "${others[0]?.name}", and its pods would not end with the downloader — make it an init container with restartPolicy Always`;
  }
  if (!container.image) return `container ${downloaderContainer} has no image`;
  if (container.lifecycle?.preStop !== undefined) {
    return `container ${downloaderContainer} has a preStop hook, whose time is taken from the grace time that the downloader is told — leave it out`;
  }
  return null;
}
