import type { EndingCase } from './endings.ts';
import { untilCancelled } from './world.ts';

/** Hears of the cancellation, and fails for a reason of its own. */
const untilCancelledInVain = (): Promise<never> =>
  untilCancelled().catch(() => {
    throw new Error('the cloud is away');
  });

/** What a run calls that ends in one of its first steps, and what not. */
const stepsUntil = {
  preflight: {
    calls: ['preflight'],
    neverCalled: ['snapshotList', 'createQueue', 'stopFleet', 'writeReport'],
  },
  snapshotList: {
    calls: ['snapshotList'],
    neverCalled: ['createQueue', 'stopFleet', 'writeReport'],
  },
  createQueue: {
    calls: ['createQueue', 'deleteQueue', 'writeReport'],
    neverCalled: ['startFleet', 'publishItems', 'stopFleet', 'collectOutcomes'],
  },
} as const;

/** A run that is cancelled in a step, which hears of it in one way or another. */
function cancelledIn(
  step: keyof typeof stepsUntil,
  name: string,
  untilThen: () => Promise<never> = untilCancelled,
): EndingCase {
  return {
    name,
    script: { activities: { [step]: untilThen } },
    when: step,
    meanwhile: async (handle) => {
      await handle.cancel();
    },
    expected: { kind: 'cancelled' },
    ...stepsUntil[step],
  };
}

/** Runs that end before they have downloaders. */
export const earlyEndingCases: readonly EndingCase[] = [
  {
    name: 'failed-time-limit-in-preflight',
    input: { timeLimit: '1s' },
    script: { activities: { preflight: untilCancelled } },
    expected: {
      kind: 'failed',
      type: 'TimeLimitExceeded',
      message: /^the run's time limit of 1s passed before its list was read$/,
    },
    ...stepsUntil.preflight,
  },
  {
    name: 'failed-time-limit-in-snapshot',
    input: { timeLimit: '1s' },
    script: { activities: { snapshotList: untilCancelled } },
    expected: { kind: 'failed', type: 'TimeLimitExceeded', message: /before its list was read$/ },
    ...stepsUntil.snapshotList,
  },
  {
    name: 'failed-time-limit-in-queue-creation',
    input: { timeLimit: '1s' },
    script: { activities: { createQueue: untilCancelled } },
    expected: { kind: 'failed', type: 'TimeLimitExceeded', message: /remaining\.txt$/ },
    ...stepsUntil.createQueue,
  },
  cancelledIn('preflight', 'cancelled-in-preflight'),
  cancelledIn('snapshotList', 'cancelled-in-snapshot'),
  cancelledIn('createQueue', 'cancelled-in-queue-creation'),
  cancelledIn('snapshotList', 'cancelled-as-its-snapshot-failed', untilCancelledInVain),
  cancelledIn('createQueue', 'cancelled-as-its-queue-creation-failed', untilCancelledInVain),
];
