import { WorkflowFailedError } from '@temporalio/client';
import {
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/common';
import type { RunResult } from '../domain/progress.ts';

/** How a run ended: with its result, or with the reason why not. */
export type RunEnd =
  | { readonly kind: 'completed'; readonly result: RunResult }
  | {
      readonly kind: 'failed' | 'cancelled' | 'terminated' | 'timed-out';
      readonly reason: string;
    };

/** Of what waiting for a run's result threw; null when that says nothing of the run, such as a broken connection. */
export function endOf(error: unknown): RunEnd | null {
  if (!(error instanceof WorkflowFailedError)) return null;
  const { cause } = error;
  const reason = innermost(cause ?? error).message;
  // Temporal keeps no reason of a cancellation in the end of a workflow.
  if (cause instanceof CancelledFailure) return { kind: 'cancelled', reason: 'as it was asked to' };
  if (cause instanceof TerminatedFailure) return { kind: 'terminated', reason };
  if (cause instanceof TimeoutFailure) return { kind: 'timed-out', reason };
  // The run's own words; those of its steps are their cause.
  if (cause instanceof ApplicationFailure) return { kind: 'failed', reason: cause.message };
  return { kind: 'failed', reason };
}

/** Temporal wraps the cause that a person can use into failures that only say where it was. */
export function innermost(error: Error): Error {
  let cause = error;
  while (cause.cause instanceof Error) cause = cause.cause;
  return cause;
}
