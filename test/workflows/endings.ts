import { ApplicationFailure } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import type { Activities } from '../../activities/index.ts';
import { searchAttributeNames } from '../../domain/search-attributes.ts';
import type { downloadRun } from '../../workflows/index.ts';
import {
  pauseUpdate,
  resumeUpdate,
  scaleUpdate,
  setRateLimitUpdate,
} from '../../workflows/messages.ts';
import { earlyEndingCases } from './early-endings.ts';
import { fleetEndingCases } from './fleet-endings.ts';
import {
  cleanUp,
  publishedAroundAPause,
  publishedAtChangingRates,
  queueLostOnce,
  throttledForHours,
} from './scripts.ts';
import { toldEndingCases } from './told-endings.ts';
import { createWorld, untilCancelled } from './world.ts';
import type { Script } from './world.ts';

/** One way for a run to end: what the world does, what a person does, and what must come of it. */
export type EndingCase = {
  /** Where it matters; else made of the name. */
  readonly workflowId?: string;
  readonly name: string;
  /** Added to an input that is right. */
  readonly input?: object;
  readonly script: Script;
  /** What a person does while it runs, once the activity `when` was called: collectOutcomes, unless it says otherwise. */
  readonly when?: keyof Activities;
  readonly meanwhile?: (handle: WorkflowHandle<typeof downloadRun>) => Promise<void>;
  readonly expected:
    | { readonly kind: 'completed' }
    | { readonly kind: 'cancelled' }
    | { readonly kind: 'failed'; readonly type: string; readonly message: RegExp };
  /** Activities that must have been called in this order, others between them ignored. */
  readonly calls: readonly string[];
  readonly neverCalled?: readonly string[];
};

/** The first slice lasts until it is cancelled; the drain then sees that all was stored meanwhile. */
function firstSliceForever(): Script['activities'] {
  let isFirst = true;
  const { activities } = createWorld({});
  return {
    collectOutcomes: (input) => {
      if (!isFirst) return activities.collectOutcomes(input);
      isFirst = false;
      return untilCancelled();
    },
  };
}

export const endingCases: readonly EndingCase[] = [
  {
    name: 'completed',
    script: {
      slices: [
        { counts: { stored: 3 } },
        { counts: { stored: 8, failed: 1 } },
        { counts: { stored: 9, failed: 1 } },
      ],
    },
    expected: { kind: 'completed' },
    calls: [
      'preflight',
      'snapshotList',
      'createQueue',
      'collectOutcomes',
      'collectOutcomes',
      ...cleanUp,
    ],
  },
  {
    name: 'completed-nothing-to-do',
    script: { published: 0 },
    expected: { kind: 'completed' },
    calls: ['preflight', 'snapshotList', 'writeReport'],
    neverCalled: ['createQueue', 'startFleet', 'publishItems', 'collectOutcomes', 'stopFleet'],
  },
  {
    name: 'completed-after-reconcile',
    script: {
      sampleEveryMs: 130_000,
      slices: [
        { counts: { stored: 9 }, idle: 1, holding: 0 },
        { counts: { stored: 9 }, idle: 1, holding: 0 },
        { counts: { stored: 10 } },
      ],
    },
    expected: { kind: 'completed' },
    calls: ['collectOutcomes', 'reconcile', 'collectOutcomes', ...cleanUp],
  },
  {
    name: 'completed-after-the-queue-was-lost',
    script: { activities: queueLostOnce() },
    expected: { kind: 'completed' },
    calls: ['collectOutcomes', 'createQueue', 'collectOutcomes', 'reconcile', ...cleanUp],
  },
  {
    name: 'completed-after-cooling-down',
    input: { workers: 8 },
    script: throttledForHours(),
    expected: { kind: 'completed' },
    calls: ['startFleet', 'suspendFleet', 'scaleFleet', 'resumeFleet', ...cleanUp],
    neverCalled: ['reconcile'],
  },
  {
    name: 'completed-at-a-rate-with-a-pause',
    input: { rateLimit: 600 },
    script: publishedAroundAPause(),
    meanwhile: async (handle) => {
      await handle.executeUpdate(pauseUpdate);
      await handle.executeUpdate(resumeUpdate);
    },
    expected: { kind: 'completed' },
    calls: ['publishItems', 'suspendFleet', 'resumeFleet', 'publishItems', ...cleanUp],
  },
  {
    name: 'completed-at-changing-rates',
    input: { rateLimit: 600 },
    script: publishedAtChangingRates(),
    meanwhile: async (handle) => {
      await handle.executeUpdate(setRateLimitUpdate, { args: [60] });
      await handle.executeUpdate(setRateLimitUpdate, { args: [null] });
    },
    expected: { kind: 'completed' },
    calls: ['publishItems', 'publishItems', ...cleanUp],
  },
  {
    name: 'completed-with-search-attributes',
    script: {
      activities: { preflight: () => Promise.resolve({ searchAttributes: searchAttributeNames }) },
    },
    expected: { kind: 'completed' },
    calls: ['preflight', 'snapshotList', ...cleanUp],
  },
  {
    name: 'failed-invalid-run-spec',
    input: { concurency: 3, task: { kind: 'ytdlp' } },
    script: {},
    expected: {
      kind: 'failed',
      type: 'InvalidRunSpec',
      message: /^run spec: unknown task "ytdlp".*\nrun spec: unknown field "concurency"/,
    },
    calls: [],
    neverCalled: ['preflight', 'snapshotList', 'writeReport'],
  },
  {
    name: 'failed-preflight',
    script: {
      activities: {
        preflight: () =>
          Promise.reject(ApplicationFailure.nonRetryable('no such bucket', 'PreflightFailed')),
      },
    },
    expected: { kind: 'failed', type: 'PreflightFailed', message: /^no such bucket$/ },
    calls: ['preflight'],
    neverCalled: ['snapshotList', 'createQueue', 'writeReport', 'deleteQueue'],
  },
  {
    name: 'failed-step',
    script: {
      activities: {
        publishItems: () => Promise.reject(ApplicationFailure.nonRetryable('forbidden (403)')),
        ...firstSliceForever(),
      },
    },
    expected: { kind: 'failed', type: 'StepFailed', message: /^publishItems: forbidden \(403\)$/ },
    calls: ['publishItems', ...cleanUp],
  },
  {
    name: 'failed-too-many-failures',
    input: { tolerateFailures: 1 },
    script: { slices: [{ counts: { stored: 3, failed: 2 } }] },
    expected: {
      kind: 'failed',
      type: 'TooManyFailures',
      message: /^2 items failed, tolerated are 1$/,
    },
    calls: ['collectOutcomes', ...cleanUp],
  },
  {
    name: 'failed-unaccounted',
    script: { sampleEveryMs: 130_000, slices: [{ counts: { stored: 9 }, idle: 1, holding: 0 }] },
    expected: {
      kind: 'failed',
      type: 'Unaccounted',
      message:
        /^1 items have no outcome after they were published again 3 times — their keys are in gs:\/\//,
    },
    calls: [
      'reconcile',
      'collectOutcomes',
      'reconcile',
      'collectOutcomes',
      'reconcile',
      ...cleanUp,
    ],
  },
  {
    name: 'failed-time-limit',
    input: { timeLimit: '1s' },
    script: { activities: firstSliceForever() },
    expected: { kind: 'failed', type: 'TimeLimitExceeded', message: /time limit of 1s passed/ },
    calls: ['collectOutcomes', ...cleanUp],
  },
  ...earlyEndingCases,
  ...fleetEndingCases,
  ...toldEndingCases,
  {
    name: 'failed-clean-up',
    script: {
      activities: {
        deleteQueue: () => Promise.reject(ApplicationFailure.nonRetryable('forbidden (403)')),
      },
    },
    expected: {
      kind: 'failed',
      type: 'CleanUpFailed',
      message: /^delete queue: forbidden \(403\)$/,
    },
    calls: cleanUp,
  },
  {
    name: 'cancelled',
    script: { activities: firstSliceForever() },
    meanwhile: async (handle) => {
      await handle.cancel();
    },
    expected: { kind: 'cancelled' },
    calls: cleanUp,
  },
  {
    name: 'cancelled-after-pause-and-scale',
    script: { activities: firstSliceForever() },
    meanwhile: async (handle) => {
      await handle.executeUpdate(pauseUpdate);
      await handle.executeUpdate(resumeUpdate);
      await handle.executeUpdate(scaleUpdate, { args: [3] });
      await handle.cancel();
    },
    expected: { kind: 'cancelled' },
    calls: ['suspendFleet', 'resumeFleet', 'scaleFleet', ...cleanUp],
  },
];
