import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TemporalFailure,
  TimeoutFailure,
  isCancellation,
} from '@temporalio/workflow';
import type { Ending } from '../domain/ending.ts';
import { failureTypes, queueLost } from '../domain/failure-types.ts';
import type { FailureType } from '../domain/failure-types.ts';

/** The one place where the workflow makes failures: a `type` of the closed list, never retried. */
export function runFailure(
  type: FailureType,
  message: string,
  more?: { cause?: unknown; details?: unknown[] },
): ApplicationFailure {
  const failure = ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    cause: more?.cause instanceof Error ? more.cause : undefined,
    details: more?.details,
  });
  // Whoever reads it has something to mend, and the message names the place; ours is of no use to them.
  failure.stack = '';
  return failure;
}

/** An ending that `error` means. A bug is none of ours to judge: it is thrown on and blocks the workflow task until mended. */
export function endingOf(error: unknown): Ending {
  if (isCancellation(error)) return { kind: 'cancelled' };
  if (!(error instanceof TemporalFailure)) throw error;
  const root = error instanceof ActivityFailure ? error.cause : error;
  if (root instanceof ApplicationFailure && isFailureType(root.type)) {
    return { kind: 'failed', type: root.type, message: root.message };
  }
  const step = error instanceof ActivityFailure ? `${error.activityType}: ` : '';
  return {
    kind: 'failed',
    type: failureTypes.StepFailed,
    message: `${step}${root?.message ?? error.message}`,
  };
}

/**
 * What a step came back with that ran out of time or tries and may pass by itself.
 * @throws the error when it is anything else: a definite failure, a cancellation, a bug.
 */
export function passingFault(error: unknown): string {
  if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
  const { cause } = error;
  if (cause instanceof ApplicationFailure && cause.nonRetryable === true) throw error;
  if (cause instanceof TimeoutFailure) return cause.cause?.message ?? 'no answer in time';
  return cause?.message ?? error.message;
}

/** Whether a step found that the run's queue is gone. */
export function isQueueLost(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure && cause.type === queueLost;
}

/** For a run that has nothing to clean up: its failure is the step's, in our words. */
export function throwAsRunFailure(error: unknown): never {
  const ending = endingOf(error);
  throw ending.kind === 'failed'
    ? runFailure(ending.type, ending.message, { cause: error })
    : error;
}

export function cancelledRun(message: string): CancelledFailure {
  return new CancelledFailure(message);
}

function isFailureType(type: string | null | undefined): type is FailureType {
  return typeof type === 'string' && Object.hasOwn(failureTypes, type);
}
