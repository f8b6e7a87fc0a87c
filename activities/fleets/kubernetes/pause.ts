import type { V1Job } from '@kubernetes/client-node';

/**
 * A Job can be suspended by others too: a queue such as Kueue until it is its turn, or a person. Then the run waits and
 * says so; only what we suspended ourselves is a paused run, and only that do we resume.
 */
const pausedAnnotation = 'spotloop-paused';

export const pausePatch = {
  metadata: { annotations: { [pausedAnnotation]: 'true' } },
  spec: { suspend: true },
};

export const resumePatch = {
  metadata: { annotations: { [pausedAnnotation]: null } },
  spec: { suspend: false },
};

export function isSuspended(job: V1Job): boolean {
  return job.spec?.suspend === true;
}

/** Suspended by the run. */
export function isPaused(job: V1Job): boolean {
  return isSuspended(job) && job.metadata?.annotations?.[pausedAnnotation] === 'true';
}
