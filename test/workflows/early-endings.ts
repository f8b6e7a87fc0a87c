import type { EndingCase } from './endings.ts';
import { untilCancelled } from './world.ts';

/** Hears of the cancellation, and fails for a reason of its own. */
const untilCancelledInVain = (): Promise<never> =>
  untilCancelled().catch(() => {
    throw new Error('the cloud is away');
  });

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
    calls: ['preflight'],
    neverCalled: ['snapshotList', 'createQueue', 'stopFleet', 'writeReport'],
  },
  {
    name: 'failed-time-limit-in-snapshot',
    input: { timeLimit: '1s' },
    script: { activities: { snapshotList: untilCancelled } },
    expected: { kind: 'failed', type: 'TimeLimitExceeded', message: /before its list was read$/ },
    calls: ['snapshotList'],
    neverCalled: ['createQueue', 'stopFleet', 'writeReport'],
  },
  {
    name: 'failed-time-limit-in-queue-creation',
    input: { timeLimit: '1s' },
    script: { activities: { createQueue: untilCancelled } },
    expected: { kind: 'failed', type: 'TimeLimitExceeded', message: /remaining\.txt$/ },
    calls: ['createQueue', 'deleteQueue', 'writeReport'],
    neverCalled: ['startFleet', 'publishItems', 'stopFleet', 'collectOutcomes'],
  },
  {
    name: 'cancelled-in-preflight',
    script: { activities: { preflight: untilCancelled } },
    when: 'preflight',
    meanwhile: async (handle) => {
      await handle.cancel();
    },
    expected: { kind: 'cancelled' },
    calls: ['preflight'],
    neverCalled: ['snapshotList', 'createQueue', 'stopFleet', 'writeReport'],
  },
  {
    name: 'cancelled-in-snapshot',
    script: { activities: { snapshotList: untilCancelled } },
    when: 'snapshotList',
    meanwhile: async (handle) => {
      await handle.cancel();
    },
    expected: { kind: 'cancelled' },
    calls: ['snapshotList'],
    neverCalled: ['createQueue', 'stopFleet', 'writeReport'],
  },
  {
    name: 'cancelled-as-its-snapshot-failed',
    script: { activities: { snapshotList: untilCancelledInVain } },
    when: 'snapshotList',
    meanwhile: async (handle) => {
      await handle.cancel();
    },
    expected: { kind: 'cancelled' },
    calls: ['snapshotList'],
    neverCalled: ['createQueue', 'stopFleet', 'writeReport'],
  },
  {
    name: 'cancelled-as-its-queue-creation-failed',
    script: { activities: { createQueue: untilCancelledInVain } },
    when: 'createQueue',
    meanwhile: async (handle) => {
      await handle.cancel();
    },
    expected: { kind: 'cancelled' },
    calls: ['createQueue', 'deleteQueue', 'writeReport'],
    neverCalled: ['startFleet', 'publishItems', 'stopFleet', 'collectOutcomes'],
  },
  {
    name: 'cancelled-in-queue-creation',
    script: { activities: { createQueue: untilCancelled } },
    when: 'createQueue',
    meanwhile: async (handle) => {
      await handle.cancel();
    },
    expected: { kind: 'cancelled' },
    calls: ['createQueue', 'deleteQueue', 'writeReport'],
    neverCalled: ['startFleet', 'publishItems', 'stopFleet', 'collectOutcomes'],
  },
];
