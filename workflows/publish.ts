import type { Snapshot } from '../domain/snapshot.ts';
import { itemsPerShard } from '../domain/snapshot.ts';
import { number } from './details.ts';
import { publishPaced } from './publish-paced.ts';
import { publishUntil } from './publish-until.ts';
import { withQueue } from './rebuild-queue.ts';
import type { Lane, RunState } from './run-state.ts';
import { publishItems } from './steps.ts';

/** Lanes publish side by side; four keep the wire busy (measured: one reaches some 65,000 messages/s on 2 cores). */
const maxLanes = 4;

/** A slice of publishing without a `rateLimit`: millions a minute go out. It is the longest that a run waits before it goes on as new. */
const sliceMs = 600_000;

/** The lanes of a run's publishing at its start. Shards are dealt out to them, never an activity a shard (I8); a rate is kept by one lane. */
export function planLanes(state: RunState, snapshot: Snapshot): readonly Lane[] {
  const shards = Math.ceil(snapshot.published / itemsPerShard);
  const lanes = state.rateLimit === null ? Math.min(maxLanes, shards) : 1;
  return Array.from({ length: lanes }, () => ({ next: 0, isDone: false }));
}

/**
 * Publishes what the lanes have left, slice by slice, until it is done or the run goes on as new; at a rate as long as the run
 * has one.
 */
export async function publishList(state: RunState, snapshot: Snapshot): Promise<void> {
  for (;;) {
    const { rateLimit } = state;
    await (rateLimit === null
      ? publishAtOnce(state, snapshot)
      : publishPaced(state, snapshot, rateLimit));
    if (state.isLeaving || state.rateLimit === rateLimit) return;
  }
}

/** All lanes side by side, as fast as it goes. */
async function publishAtOnce(state: RunState, snapshot: Snapshot): Promise<void> {
  await Promise.all(
    state.lanes.map(async (_, lane) => {
      state.lanesUnderWay += 1;
      await publishLane(state, snapshot, lane);
      state.lanesUnderWay -= 1;
      // The last items are on their way: whoever idled until now has not stalled with them.
      state.lastMovedAtMs = Math.max(state.lastMovedAtMs, Date.now());
    }),
  );
}

async function publishLane(state: RunState, snapshot: Snapshot, lane: number): Promise<void> {
  const { run } = state;
  const lanes = state.lanes.length;
  const hasRate = (): boolean => state.rateLimit !== null;
  for (let at = state.lanes[lane]; at?.isDone === false; at = state.lanes[lane]) {
    if (state.isLeaving || hasRate()) return;
    const { next: from } = at;
    const again = at.leftAgain === undefined ? {} : { again: true };
    const slice = await withQueue(state, () =>
      publishUntil(hasRate, () =>
        publishItems.executeWithOptions(
          { summary: `Publish ${number(snapshot.published)} items, lane ${lane + 1} of ${lanes}` },
          [{ run, snapshot, lane, lanes, ...again, from, sliceMs }],
        ),
      ),
    );
    if (slice !== null) state.lanes = state.lanes.with(lane, { ...at, ...slice });
  }
}
