import { Context } from '@temporalio/activity';

/** Cancellation reaches an activity with a heartbeat's answer: a second is the delay a person does not mind. */
const heartbeatEveryMs = 1_000;

/**
 * Heartbeats now, each second, and when disposed of, so that a retry after a failure knows all that was done. By the clock and not by progress, for one request to a slow
 * cloud may take longer than the heartbeat time-out; requests that hang have their own limits.
 */
export function keepHeartbeating(details: () => unknown): Disposable {
  const context = Context.current();
  const beat = () => {
    const now = details();
    // Saying nothing must not erase what a watcher, or the next attempt, reads of the last heartbeat.
    if (now === undefined) context.heartbeat();
    else context.heartbeat(now);
  };
  beat();
  const timer = setInterval(beat, heartbeatEveryMs);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      beat();
    },
  };
}
