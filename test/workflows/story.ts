import assert from 'node:assert/strict';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import type { FleetState } from '../../domain/fleet-state.ts';
import type { Progress } from '../../domain/progress.ts';
import { ensurePart } from '../../infra/local/install/part.ts';
import { findTestServer } from '../../infra/local/install/test-server.ts';
import type { downloadRun } from '../../workflows/index.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { bundleWorkflows, runCase } from './run-case.ts';
import type { CaseRun } from './run-case.ts';
import { createWorld, inSkippedTime } from './world.ts';
import type { Slice } from './world.ts';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;

/** A call of the fleet that had success. */
type Asked = { readonly call: string; readonly workers?: number; readonly atMs: number };

/** A moment of a run, as a story's functions of time see it. */
export type Moment = {
  /** Since anything was first asked of fleet or collector. */
  readonly ms: number;
  readonly asked: readonly Asked[];
  /** How often it was started. */
  readonly starts: number;
  /** Downloaders that the fleet was last asked for; 0 before any. */
  readonly workers: number;
  readonly isSuspended: boolean;
  /** Since the fleet's last call. */
  readonly sinceAskedMs: number;
};

/** How fleet and items of a run fare, by the clock of a server that skips time. */
export type Story = {
  readonly total?: number;
  readonly input?: object;
  readonly fleet: (now: Moment) => FleetState | Promise<FleetState>;
  readonly sample: (now: Moment) => Slice | Promise<Slice>;
  /** Activities other than those of fleet and collector that do something else. */
  readonly activities?: Partial<Activities>;
  /** What a person does in the middle of a slice. */
  readonly meanwhile?: (run: WorkflowHandle<typeof downloadRun>, now: Moment) => Promise<unknown>;
  /** What a call of the fleet throws. */
  readonly fault?: (call: string, now: Moment) => Error | undefined | Promise<undefined>;
};

export type Told = CaseRun & {
  /** What the fleet was asked, such as `scale 3`. */
  readonly asked: readonly string[];
  /** What the run said of itself from the second slice on; a sentence that stays is there once. */
  readonly sentences: readonly string[];
  /** The same with all that it said. */
  readonly progress: readonly Progress[];
};

export type Stage = {
  readonly environment: TestWorkflowEnvironment;
  readonly bundle: WorkflowBundleWithSourceMap;
};

export async function openStage(): Promise<Stage> {
  const path = await ensurePart(await findTestServer());
  const [environment, bundle] = await Promise.all([
    TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    }),
    bundleWorkflows(),
  ]);
  return { environment, bundle };
}

/** Runs a story to its end. */
export async function tell({ environment, bundle }: Stage, story: Story): Promise<Told> {
  const total = story.total ?? 10;
  const asked: Asked[] = [];
  const progress: Progress[] = [];
  let beganAtMs: number | null = null;
  let isPersonBusy = false;

  const moment = async (): Promise<Moment> => {
    const nowMs = await environment.currentTimeMs();
    beganAtMs ??= nowMs;
    const ms = nowMs - beganAtMs;
    return {
      ms,
      asked,
      starts: asked.filter(({ call }) => call === 'start').length,
      workers: asked.findLast(({ workers }) => workers !== undefined)?.workers ?? 0,
      isSuspended:
        asked.findLast(({ call }) => /^(suspend|resume)$/.test(call))?.call === 'suspend',
      sinceAskedMs: ms - (asked.at(-1)?.atMs ?? 0),
    };
  };
  const ask = async (call: string, workers?: number) => {
    const now = await moment();
    const fault = await story.fault?.(call, now);
    if (fault !== undefined) throw fault;
    asked.push({ call, atMs: now.ms, ...(workers === undefined ? {} : { workers }) });
  };
  const duringSlice = async () => {
    const { workflowId = '' } = Context.current().info.workflowExecution ?? {};
    const run = environment.client.workflow.getHandle<typeof downloadRun>(workflowId);
    progress.push(await run.query(progressQuery));
    // Another slice does not wait for what a person began in this one.
    if (isPersonBusy) return;
    isPersonBusy = true;
    await story.meanwhile?.(run, await moment());
    isPersonBusy = false;
  };
  const { activities } = createWorld({ total });
  const run = await runCase(environment, bundle, {
    name: 'story',
    ...(story.input === undefined ? {} : { input: story.input }),
    script: {
      total,
      activities: {
        ...story.activities,
        startFleet: ({ workers }) => ask('start', workers),
        scaleFleet: ({ workers }) => ask('scale', workers),
        suspendFleet: () => ask('suspend'),
        resumeFleet: () => ask('resume'),
        stopFleet: () => ask('stop'),
        readFleet: async () => story.fleet(await moment()),
        collectOutcomes: async (input) => {
          if (input.until === 'slice-ends') {
            if (Context.current().info.attempt === 1) await duringSlice();
            await inSkippedTime(input.sliceMs);
          }
          const sample = await activities.collectOutcomes(input);
          const seen = await story.sample(await moment());
          const counts = { ...sample.counts, stored: 0, ...seen.counts };
          return { ...sample, asOfMs: await environment.currentTimeMs(), ...seen, counts };
        },
      },
    },
    expected: { kind: 'completed' },
    calls: [],
  });
  const sentences = progress
    .slice(1)
    .map(({ state }) => state)
    .filter((state, at, all) => state !== all[at - 1]);
  const calls = asked.map(({ call, workers }) =>
    workers === undefined ? call : `${call} ${workers}`,
  );
  return { ...run, asked: calls, sentences, progress };
}

export function assertCompleted({ ending }: Told): void {
  const cause = ending.kind === 'failed' ? String(ending.error.cause) : '';
  assert.ok(ending.kind === 'completed', cause);
  // Completed means that every item has an outcome (I6).
  const { total, stored, skipped, failed, quarantined, gone } = ending.result;
  assert.equal(stored + skipped + failed + quarantined + gone, total);
}

export function running(live: number, wanted: number, waitingFor?: string): FleetState {
  const state = { kind: 'running', live, wanted, replaced: 0, preempted: 0 } as const;
  return waitingFor === undefined ? state : { ...state, waitingFor };
}

/** A start or a look that crossed a message does once more what it asked for, which changes nothing. */
export function withoutRepeats(asked: readonly string[]): string[] {
  return asked.filter((call, place) => call !== asked[place - 1]);
}

/** Items without downloaders. */
export const nobody: Slice = { heard: 0, holding: 0 };
