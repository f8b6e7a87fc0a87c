import { Context } from '@temporalio/activity';

/**
 * Waits for a promise no longer than until the activity is cancelled, and rejects then. What was waited for goes on by itself: only
 * for work that does no harm when it ends late.
 */
export async function unlessCancelled<Result>(work: Promise<Result>): Promise<Result> {
  const { cancellationSignal: signal } = Context.current();
  const { promise: cancelled, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason as Error);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    // The race listens to both, so neither can end as an unhandled rejection.
    return await Promise.race([cancelled, work]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
