import { ApplicationFailure } from '@temporalio/activity';
import { queueLost } from '../../domain/failure-types.ts';
import type { FleetState } from '../../domain/fleet-state.ts';
import { untilCancelled, createWorld, inRealTime } from './world.ts';
import type { Script, Slice } from './world.ts';

/** What the world does in cases that take more than a line to say. */

/** What a run calls, in this order, to clean up after its downloaders. */
export const cleanUp = ['stopFleet', 'collectOutcomes', 'deleteQueue', 'writeReport'];

/** Publishes until it is cancelled, and gives back how far it came; the second slice publishes the rest, and all of it is stored. */
export function publishedAroundAPause(): Script {
  let slices = 0;
  let isDone = false;
  const { activities } = createWorld({ pace: inRealTime });
  return {
    activities: {
      publishItems: async () => {
        slices += 1;
        if (slices > 1) isDone = true;
        else await untilCancelled().catch(() => {});
        return { next: isDone ? 10 : 4, isDone, dueAtMs: Date.now() };
      },
      collectOutcomes: async (input) => {
        const sample = await activities.collectOutcomes(input);
        return { ...sample, counts: { ...sample.counts, stored: isDone ? 10 : 3 } };
      },
    },
  };
}

/** Publishes three items a slice until it is cancelled, and without a rate the rest, and all of it is stored. */
export function publishedAtChangingRates(): Script {
  let isDone = false;
  const { activities } = createWorld({ pace: inRealTime });
  return {
    activities: {
      publishItems: async ({ from, pace }) => {
        if (pace === undefined) isDone = true;
        else await untilCancelled().catch(() => {});
        return { next: isDone ? 10 : from + 3, isDone, dueAtMs: Date.now() };
      },
      collectOutcomes: async (input) => {
        const sample = await activities.collectOutcomes(input);
        return { ...sample, counts: { ...sample.counts, stored: isDone ? 10 : 3 } };
      },
    },
  };
}

/** A site that asks for an hour and a half of patience. Time flies in samples only: the fleet is looked at each five seconds. */
export function throttledForHours(): Script {
  const counts = { stored: 3 };
  const patienceMs = 5_400_000;
  const refused: Slice = { counts, pausing: 1, pauseUntilMs: Date.now() + patienceMs };
  return {
    pace: inRealTime,
    sampleEveryMs: 600_000,
    slices: [...times(9, refused), ...times(9, { counts }), { counts: { stored: 10 } }],
    activities: suspendable(),
  };
}

/** A fleet that is suspended when it was asked to be. */
function suspendable(): Script['activities'] {
  let isSuspended = false;
  return {
    suspendFleet: () => Promise.resolve(void (isSuspended = true)),
    resumeFleet: () => Promise.resolve(void (isSuspended = false)),
    readFleet: () =>
      Promise.resolve(
        isSuspended
          ? { kind: 'suspended' }
          : { kind: 'running', live: 1, wanted: 1, replaced: 0, preempted: 0 },
      ),
  };
}

function times(count: number, slice: Slice): Slice[] {
  return Array.from({ length: count }, () => slice);
}

/** The first slice finds no queue; what was in it is stored after it was published again. */
export function queueLostOnce(): Script['activities'] {
  let isFirst = true;
  const { activities } = createWorld({
    slices: [{ counts: { stored: 4 } }, { counts: { stored: 10 } }],
  });
  return {
    collectOutcomes: (input) => {
      if (!isFirst) return activities.collectOutcomes(input);
      isFirst = false;
      return Promise.reject(ApplicationFailure.nonRetryable('not found (5)', queueLost));
    },
  };
}

/** A fleet in which all is well. */
export const running = { kind: 'running', live: 1, wanted: 1, replaced: 0, preempted: 0 } as const;

/** A fleet that is in this state until it is started again; then it stores everything. */
export function startedAgain(state: FleetState): Script['activities'] {
  let starts = 0;
  const { activities } = createWorld({ pace: inRealTime });
  return {
    startFleet: () => {
      starts += 1;
      return Promise.resolve();
    },
    readFleet: () => Promise.resolve(starts === 1 ? state : running),
    collectOutcomes: async (input) => {
      const sample = await activities.collectOutcomes(input);
      if (starts > 1) return sample;
      return { ...sample, counts: { ...sample.counts, stored: 3 }, heard: 0, holding: 0 };
    },
  };
}
