import { failureTypes } from '../domain/failure-types.ts';
import { number } from './details.ts';
import { runFailure } from './failure.ts';
import { withQueue } from './rebuild-queue.ts';
import { isPublishing, outstandingOf, runFolderAddress } from './run-state.ts';
import type { RunState } from './run-state.ts';
import { show } from './show.ts';
import { reconcile } from './steps.ts';

/** Reconciliations in a row that brought nothing, after which the rest is called unaccounted. */
const maxFruitlessRounds = 3;

/**
 * Publishes again what has no outcome and is in nobody's hands.
 * @throws ApplicationFailure `Unaccounted` when that was in vain too often.
 */
export async function bringBack(state: RunState): Promise<void> {
  if (state.snapshot === null) throw new Error('bring back: the run has no snapshot yet');
  const unsettled = number(outstandingOf(state));
  state.fruitlessRounds += 1;
  if (state.fruitlessRounds > maxFruitlessRounds) {
    throw runFailure(
      failureTypes.Unaccounted,
      `${unsettled} items have no outcome after they were published again ${maxFruitlessRounds} times — their keys are in ${runFolderAddress(state)}remaining.txt`,
    );
  }
  show(state, state.phase, `${unsettled} items are unaccounted for: publishing them again`);
  if (state.rateLimit === null) {
    const input = { run: state.run, snapshot: state.snapshot };
    const summary = `Publish ${unsettled} unaccounted items again (round ${state.fruitlessRounds})`;
    const done = await withQueue(state, () => reconcile.executeWithOptions({ summary }, [input]));
    // The queue was lost meanwhile: the round comes after the next slice.
    if (done === null) state.fruitlessRounds -= 1;
  } else {
    // Its rate is kept by who publishes the list, who goes through it again.
    state.lanes = [{ next: 0, isDone: false, leftAgain: outstandingOf(state) }];
  }
  state.lastMovedAtMs = Date.now();
}

/** After the queue was lost: publishes again what has no outcome, once all the rest is published. */
export async function replaceLostMessages(state: RunState): Promise<void> {
  if (!state.hasLostMessages || isPublishing(state)) return;
  state.hasLostMessages = false;
  await bringBack(state);
}
