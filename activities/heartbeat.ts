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

/**
 * An activity with no progress to tell that heartbeats while it works: a Temporal worker that dies in it is noticed within
 * the heartbeat's time-out, not when the step's whole time is up; and a step that was given up hears of it.
 */
export function heartbeating<Input, Output>(
  activity: (input: Input) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    using _ = keepHeartbeating(() => undefined);
    return await activity(input);
  };
}
