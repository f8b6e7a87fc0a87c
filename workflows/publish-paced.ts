import { condition } from '@temporalio/workflow';
import { nextSliceMs } from '../domain/poll-schedule.ts';
import { addPublishMark, planPublishing, publishedBy } from '../domain/publish-plan.ts';
import type { PublishMark } from '../domain/publish-plan.ts';
import type { Snapshot } from '../domain/snapshot.ts';
import { number } from './details.ts';
import { publishUntil } from './publish-until.ts';
import { withQueue } from './rebuild-queue.ts';
import { ageMs, isHeld, isPublishing, outstandingOf, unpublishedOf } from './run-state.ts';
import type { RunState } from './run-state.ts';
import { publishItems } from './steps.ts';

/**
 * Publishes at the run's rate, in slices as long as those of collecting: each brings what the rate allows, minus what still
 * waits in the queue. Nothing goes out while the run is held. One lane is published after the other. It stays until all is
 * settled, for what was lost is published again at the same rate; or until the rate is another, or the run goes on as new.
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
  const isChanged = (): boolean => state.rateLimit !== itemsPerMinute;
  const isOver = (): boolean => state.isLeaving || isChanged() || outstandingOf(state) <= 0;

  for (;;) {
    if (isHeld(state)) hasWaited = true;
    await condition(() => isOver() || (isPublishing(state) && !isHeld(state)));
    const earliestMs = hasWaited ? Date.now() : 0;
    const at = state.lanes.findIndex(({ isDone }) => !isDone);
    const lane = state.lanes[at];
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
    const place = { lane: at, lanes: state.lanes.length, from: lane.next };
    const slice = await withQueue(state, () =>
      publishUntil(
        () => isHeld(state) || isChanged(),
        () =>
          publishItems.executeWithOptions(
            { summary: summaryOf(lane.next, again, snapshot, itemsPerMinute) },
            [{ run: state.run, snapshot, ...place, pace, again, sliceMs }],
          ),
      ),
    );
    state.lanesUnderWay = 0;
    if (slice === null) continue;
    // Of another rate, when the next item is due is known better.
    const due = isChanged() ? state.lanes[at]?.dueAtMs : slice.dueAtMs;
    state.lanes = state.lanes
      .with(at, { ...lane, ...slice })
      .map((one) => (due === undefined ? one : { ...one, dueAtMs: due }));
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
