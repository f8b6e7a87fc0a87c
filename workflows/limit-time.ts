import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { Ending } from '../domain/ending.ts';
import { failureTypes } from '../domain/failure-types.ts';
import { formatDuration } from '../domain/units.ts';
import { endingOf } from './failure.ts';
import { ageMs, runFolderAddress } from './run-state.ts';
import type { RunState } from './run-state.ts';

/** The run's own time limit, over all that it does before its clean-up. */
export type TimeLimit = {
  /** What is done in it is cancelled when the limit passes, or the run is cancelled. */
  readonly scope: CancellationScope;
  /** How the run ends when what was done in the scope just threw this. */
  readonly endingOf: (error: unknown) => Ending;
  /** From now on the run takes the time that it needs: clean-up and report. */
  readonly clear: () => void;
};

/** Starts the clock: when it runs out, the run is cleaned up after and reported, as after Temporal's own time-outs it would not be. */
export function limitTime(state: RunState): TimeLimit {
  const { timeLimitMs } = state.spec;
  const scope = new CancellationScope();
  const timer = new CancellationScope();
  let hasPassed = false;
  if (timeLimitMs !== undefined) {
    const remainingMs = Math.max(1, timeLimitMs - ageMs(state));
    timer
      .run(() =>
        sleep(remainingMs, { summary: `The run's time limit of ${formatDuration(timeLimitMs)}` }),
      )
      .then(() => {
        hasPassed = true;
        scope.cancel();
      })
      .catch((error: unknown) => {
        // The work ended before the limit: clearing cancels the timer, and that is all this can be.
        if (!isCancellation(error)) throw error;
      });
  }
  return {
    scope,
    endingOf: (error) => {
      const ending = endingOf(error);
      if (!hasPassed) {
        // A step that is being cancelled may fail for a reason of its own, such as its Temporal worker's death.
        return CancellationScope.current().consideredCancelled ? { kind: 'cancelled' } : ending;
      }
      const passed = `the run's time limit of ${formatDuration(timeLimitMs ?? 0)} passed`;
      const rest =
        state.snapshot === null
          ? 'before its list was read'
          : `— the rest is in ${runFolderAddress(state)}remaining.txt`;
      return {
        kind: 'failed',
        type: failureTypes.TimeLimitExceeded,
        message: `${passed} ${rest}`,
      };
    },
    clear: () => {
      timer.cancel();
    },
  };
}
