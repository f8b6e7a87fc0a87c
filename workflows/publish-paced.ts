import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { PublishedSlice } from '../activities/publish-items.ts';
import { nextSliceMs } from '../domain/poll-schedule.ts';
import { addPublishMark, planPublishing, publishedBy } from '../domain/publish-plan.ts';
import type { PublishMark } from '../domain/publish-plan.ts';
import type { Snapshot } from '../domain/snapshot.ts';
import { number } from './details.ts';
import { withQueue } from './rebuild-queue.ts';
import { ageMs, isHeld, isPublishing, outstandingOf, unpublishedOf } from './run-state.ts';
import type { RunState } from './run-state.ts';
import { publishItems } from './steps.ts';

/**
 * Publishes at the run's rate, in slices as long as those of collecting: each brings what the rate allows, minus what still
 * waits in the queue. Nothing goes out while the run is held. It stays until all is settled, for what was lost is
 * published again at the same rate; or until the run goes on as new.
 */
export async function publishPaced(
  state: RunState,
  snapshot: Snapshot,
  itemsPerMinute: number,
): Promise<void> {
  let marks: readonly PublishMark[] = [];
  /** The sample whose backlog was waited for already. */
  let considered = state.sample;
  /** For the run's will, or for what was left in the queue: not made up for, for that would be a burst. */
  let hasWaited = false;
  const mark = (): void => {
    const published = snapshot.published - unpublishedOf(state);
    marks = addPublishMark(marks, { atMs: Date.now(), published });
  };
  const isOver = (): boolean => state.isLeaving || outstandingOf(state) <= 0;

  for (;;) {
    if (isHeld(state)) hasWaited = true;
    await condition(() => isOver() || (isPublishing(state) && !isHeld(state)));
    const earliestMs = hasWaited ? Date.now() : 0;
    const [lane] = state.lanes;
    if (isOver() || lane === undefined) return;
    const sliceMs = nextSliceMs(ageMs(state));
    const { sample } = state;
    const dueAtMs = planPublishing({
      itemsPerMinute,
      nowMs: Date.now(),
      sliceMs,
      dueAtMs: Math.max(earliestMs, lane.dueAtMs ?? Date.now()),
      inFlight: sample === considered ? null : inFlightOf(state, snapshot, marks),
      slots: (sample?.heard ?? 0) * state.spec.concurrency,
    });
    if (dueAtMs === null) {
      await condition(() => isOver() || state.sample !== sample);
      hasWaited = true;
      continue;
    }
    hasWaited = false;
    considered = sample;
    mark();
    state.lanesUnderWay = 1;
    const pace = { itemsPerMinute, dueAtMs };
    const again = lane.leftAgain !== undefined;
    const slice = await withQueue(state, () =>
      untilHeld(state, () =>
        publishItems.executeWithOptions(
          { summary: summaryOf(lane.next, again, snapshot, itemsPerMinute) },
          [{ run: state.run, snapshot, lane: 0, lanes: 1, pace, again, from: lane.next, sliceMs }],
        ),
      ),
    );
    state.lanesUnderWay = 0;
    if (slice === null) continue;
    state.lanes = [{ ...lane, ...slice }];
    mark();
    // The last items are on their way: whoever idled until now has not stalled with them.
    if (slice.isDone) state.lastMovedAtMs = Math.max(state.lastMovedAtMs, Date.now());
  }
}

/** Items that were published and had no outcome when the last sample was taken. */
function inFlightOf(state: RunState, snapshot: Snapshot, marks: readonly PublishMark[]): number {
  const published = snapshot.published - unpublishedOf(state);
  const then = publishedBy(marks, state.sample?.asOfMs ?? 0) ?? published;
  return outstandingOf(state) - unpublishedOf(state) - (published - then);
}

/** Ends the slice when the run is held: what it gives back is what went out by then; null when that is not known. */
async function untilHeld(
  state: RunState,
  publish: () => Promise<PublishedSlice>,
): Promise<PublishedSlice | null> {
  const outer = CancellationScope.current();
  const slice = new CancellationScope();
  const watch = new CancellationScope();
  const watching = watch
    .run(() => condition(() => isHeld(state)))
    .then(() => slice.cancel())
    .catch((error: unknown) => {
      if (!isCancellation(error)) throw error;
    });
  try {
    return await slice.run(publish);
  } catch (error) {
    // It had not begun, or waited for its next attempt: what it published, if anything, goes out once more.
    if (!isCancellation(error) || outer.consideredCancelled || !isHeld(state)) throw error;
    return null;
  } finally {
    watch.cancel();
    await watching;
  }
}

function summaryOf(
  from: number,
  again: boolean,
  { published }: Snapshot,
  itemsPerMinute: number,
): string {
  const what = again
    ? 'what has no outcome again'
    : `on from item ${number(from)} of ${number(published)}`;
  return `Publish ${what}, ${itemsPerMinute} a minute`;
}
