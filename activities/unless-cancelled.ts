import { Context } from '@temporalio/activity';
import { unlessAborted } from '../domain/unless-aborted.ts';

/** {@link unlessAborted}, by the activity's cancellation. */
export function unlessCancelled<Result>(work: Promise<Result>): Promise<Result> {
  return unlessAborted(Context.current().cancellationSignal, work);
}
