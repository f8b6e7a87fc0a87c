import { ApplicationFailure } from '@temporalio/activity';
import { failureTypes } from '../domain/failure-types.ts';
import type { FailureType, queueLost } from '../domain/failure-types.ts';
import { describeError, isDefinite } from './cloud-error.ts';

/** A failure that ends the run: Temporal does not retry it. Everything else that an activity throws is retried. */
export function runFailure(
  type: FailureType | typeof queueLost,
  message: string,
  cause?: unknown,
): ApplicationFailure {
  const failure = ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    ...(cause instanceof Error ? { cause } : {}),
  });
  // Whoever reads it has something to mend, and the message names the place; ours is of no use to them.
  failure.stack = '';
  return failure;
}

/**
 * What a step throws when a cloud refused a call: the run's end when asking again cannot help, else an error that
 * Temporal retries.
 * @param doing what was done, to which named thing.
 * @param hint what to do about a refusal.
 */
export function stepError(doing: string, error: unknown, hint: string): Error {
  const back = `${doing}: ${describeError(error)}`;
  return isDefinite(error)
    ? runFailure(failureTypes.StepFailed, `${back} — ${hint}`, error)
    : new Error(`${back} — it is tried again`, { cause: error });
}
