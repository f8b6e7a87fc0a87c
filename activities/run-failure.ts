import { ApplicationFailure } from '@temporalio/activity';
import type { FailureType } from '../domain/failure-types.ts';

/** A failure that ends the run: Temporal does not retry it. Everything else that an activity throws is retried. */
export function runFailure(
  type: FailureType,
  message: string,
  cause?: unknown,
): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    ...(cause instanceof Error ? { cause } : {}),
  });
}
