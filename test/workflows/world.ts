import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { Activities } from '../../activities/index.ts';
import { noCounts } from '../../domain/counts.ts';
import type { Counts } from '../../domain/counts.ts';
import { firstSample } from '../../domain/sample.ts';
import type { Sample } from '../../domain/sample.ts';
import type { Snapshot } from '../../domain/snapshot.ts';

/** What a slice of collecting sees in a script; what is missing is as in a run where all goes well. */
export type Slice = Partial<Omit<Sample, 'counts'>> & { readonly counts?: Partial<Counts> };

/** What a test says of the world. */
export type Script = {
  readonly total?: number;
  /** Items not in the bucket yet; all, unless it says less. */
  readonly published?: number;
  /** What the n-th slice sees; the last one repeats. Missing: everything is stored in the first. */
  readonly slices?: readonly Slice[];
  /** Samples lie so far apart, ms. */
  readonly sampleEveryMs?: number;
  /** Makes a slice last; missing: it takes no time. The last one, which ends when all is quiet, never does. */
  readonly pace?: (sliceMs: number) => Promise<void>;
  /** Activities that do something else. */
  readonly activities?: Partial<Activities>;
};

/** Activities that answer from a script, and the names of those that were called, in order. */
export type World = { readonly activities: Activities; readonly calls: string[] };

export function createWorld(script: Script): World {
  const calls: string[] = [];
  const total = script.total ?? 10;
  const snapshot: Snapshot = {
    total,
    published: script.published ?? total,
    duplicates: 1,
    blankLines: 2,
  };
  const slices = script.slices ?? [{ counts: { stored: snapshot.published } }];
  let collected = 0;
  const nothing = () => Promise.resolve();
  const activities: Activities = {
    preflight: () => Promise.resolve({ searchAttributes: [] }),
    snapshotList: () => Promise.resolve(snapshot),
    createQueue: nothing,
    publishItems: ({ from }) => Promise.resolve({ next: from + snapshot.published, isDone: true }),
    startFleet: nothing,
    readFleet: () =>
      Promise.resolve({ kind: 'running', live: 1, wanted: 1, replaced: 0, preempted: 0 }),
    scaleFleet: nothing,
    suspendFleet: nothing,
    resumeFleet: nothing,
    collectOutcomes: async ({ sliceMs, until }) => {
      if (until === 'slice-ends') await script.pace?.(sliceMs);
      const seen = slices[Math.min(collected, slices.length - 1)];
      collected += 1;
      const startMs = Context.current().info.currentAttemptScheduledTimestampMs;
      const first = firstSample(snapshot, startMs + collected * (script.sampleEveryMs ?? 1));
      const counts = { ...noCounts, ...first.counts, ...seen?.counts };
      return { ...first, heard: 1, holding: 1, ...seen, counts };
    },
    reconcile: () => Promise.resolve({ republished: total }),
    stopFleet: nothing,
    deleteQueue: nothing,
    writeReport: () =>
      Promise.resolve({
        runFolder: 'gs://b-1/',
        counts: { ...noCounts, gone: 0, unsettled: 0 },
        storedBytes: 0,
        unsettled: 0,
      }),
    notify: nothing,
    deleteLeftovers: () =>
      Promise.resolve({
        removed: { runs: 0, topics: 0, subscriptions: 0, fleets: 0 },
        left: {
          open: 0,
          'closed-lately': 0,
          'unknown-lately': 0,
          unmarked: 0,
          unasked: 0,
          unremoved: 0,
        },
        problems: [],
      }),
    ...script.activities,
  };
  return { calls, activities: remember(activities, calls) };
}

/** Slices last as long as they are asked to. */
export const inRealTime = (sliceMs: number): Promise<void> => sleep(sliceMs);

/** The same on a server that skips time: it does so while no activity runs, so the slice waits for its second attempt. */
export async function inSkippedTime(sliceMs: number): Promise<void> {
  if (Context.current().info.attempt > 1) return;
  throw ApplicationFailure.create({ message: 'the slice takes time', nextRetryDelay: sliceMs });
}

/** A step that lasts until it is cancelled, as a slice of collecting does when nothing happens. */
export async function untilCancelled(): Promise<never> {
  const context = Context.current();
  /** Cancelling reaches an activity with its next heartbeat. */
  const heartbeatEveryMs = 50;
  const timer = setInterval(() => context.heartbeat(), heartbeatEveryMs);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(timer);
  }
}

function remember(activities: Activities, calls: string[]): Activities {
  return Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [
      name,
      (input: never) => {
        calls.push(name);
        return activity(input);
      },
    ]),
  ) as Activities;
}
