import { workflowInfo } from '@temporalio/workflow';
import { noCounts, settledOf } from '../domain/counts.ts';
import type { FleetState } from '../domain/fleet-state.ts';
import { isMoving } from '../domain/judgement.ts';
import { runFolder, runName } from '../domain/names.ts';
import type { RunRef } from '../domain/names.ts';
import { addMark, itemsPerMinute, secondsLeft } from '../domain/pace.ts';
import type { Mark } from '../domain/pace.ts';
import type { Phase, Progress, RunResult } from '../domain/progress.ts';
import type { RunSpec } from '../domain/run-spec.ts';
import type { Sample } from '../domain/sample.ts';
import type { Snapshot } from '../domain/snapshot.ts';

/** How far a lane of publishing is: its next item, counted within the lane. */
export type Lane = { readonly next: number; readonly isDone: boolean };

/** What the next execution of a run's chain must know: counts and times, never ids (I8). */
export type Carried = {
  readonly startedAtMs: number;
  readonly snapshot: Snapshot;
  readonly lanes: readonly Lane[];
  readonly sample: Sample;
  readonly marks: readonly Mark[];
  readonly lastMovedAtMs: number;
  readonly fruitlessRounds: number;
  readonly workers: number;
  readonly isPaused: boolean;
};

/** All that a run's execution remembers. */
export type RunState = {
  readonly spec: RunSpec;
  readonly run: RunRef;
  readonly startedAtMs: number;
  phase: Phase;
  /** What is going on, in a sentence. */
  sentence: string;
  snapshot: Snapshot | null;
  lanes: readonly Lane[];
  /** Lanes that publish a slice at this moment. */
  lanesUnderWay: number;
  /** History has grown enough: what runs in slices ends its slice, and the run goes on in a new execution. */
  isLeaving: boolean;
  isPaused: boolean;
  /** Downloaders asked for. */
  workers: number;
  fleet: FleetState | null;
  fleetReadAtMs: number;
  sample: Sample | null;
  marks: readonly Mark[];
  lastMovedAtMs: number;
  /** Reconciliations in a row after which nothing moved. */
  fruitlessRounds: number;
};

/** What a paused run says of itself, however long ago that was. */
export const pausedSentence = 'paused: nothing new is downloaded until resume';

export function newRunState(spec: RunSpec, carried: Carried | undefined): RunState {
  const { workflowId, firstExecutionRunId, startTime } = workflowInfo();
  return {
    spec,
    run: {
      name: runName(workflowId, firstExecutionRunId),
      workflowId,
      firstRunId: firstExecutionRunId,
      bucket: spec.destination.bucket,
    },
    startedAtMs: carried?.startedAtMs ?? startTime.getTime(),
    phase: firstPhase(carried),
    sentence: carried?.isPaused === true ? pausedSentence : 'starting',
    snapshot: carried?.snapshot ?? null,
    lanes: carried?.lanes ?? [],
    lanesUnderWay: 0,
    isLeaving: false,
    isPaused: carried?.isPaused ?? false,
    workers: carried?.workers ?? spec.workers.max,
    fleet: null,
    fleetReadAtMs: 0,
    sample: carried?.sample ?? null,
    marks: carried?.marks ?? [],
    lastMovedAtMs: carried?.lastMovedAtMs ?? 0,
    fruitlessRounds: carried?.fruitlessRounds ?? 0,
  };
}

function firstPhase(carried: Carried | undefined): Phase {
  if (carried === undefined) return 'preflight';
  return carried.isPaused ? 'paused' : 'downloading';
}

export function carry(state: RunState): Carried {
  const { snapshot, sample } = state;
  if (snapshot === null || sample === null) throw new Error('carry: the run has no sample yet');
  const { startedAtMs, lanes, marks, lastMovedAtMs, fruitlessRounds, workers, isPaused } = state;
  return {
    startedAtMs,
    snapshot,
    lanes,
    sample,
    marks,
    lastMovedAtMs,
    fruitlessRounds,
    workers,
    isPaused,
  };
}

/** Takes in what a slice of collecting saw. */
export function observe(state: RunState, sample: Sample): void {
  if (isMoving(state.sample, sample)) {
    state.lastMovedAtMs = sample.asOfMs;
    if (state.sample !== null && settledOf(sample.counts) > settledOf(state.sample.counts)) {
      state.fruitlessRounds = 0;
    }
  }
  state.sample = sample;
  state.marks = addMark(state.marks, sample);
}

/** Whether items are left that were never published. */
export function isPublishing(state: RunState): boolean {
  return state.lanes.some(({ isDone }) => !isDone);
}

export function ageMs(state: RunState): number {
  return Math.max(0, Date.now() - state.startedAtMs);
}

/** The answer of query `progress`. */
export function progressOf(state: RunState): Progress {
  const counts = state.sample?.counts ?? noCounts;
  const settled = settledOf(counts);
  const total = state.snapshot?.total ?? null;
  const unsettled = total === null ? null : total - settled;
  const perMinute = itemsPerMinute(state.marks);
  return {
    phase: state.phase,
    state: state.sentence,
    total,
    settled,
    ...counts,
    unsettled,
    storedBytes: state.sample?.storedBytes ?? 0,
    itemsPerMinute: perMinute === null ? null : Math.round(perMinute * 10) / 10,
    secondsLeft: unsettled === null ? null : secondsLeft(unsettled, perMinute),
    fleet: state.fleet,
    asOf: state.sample === null ? null : new Date(state.sample.asOfMs).toISOString(),
    runFolder: runFolderAddress(state),
  };
}

export function resultOf(state: RunState, endedAtMs: number): RunResult {
  const counts = state.sample?.counts ?? noCounts;
  return {
    total: state.snapshot?.total ?? 0,
    ...counts,
    storedBytes: state.sample?.storedBytes ?? 0,
    duplicates: state.snapshot?.duplicates ?? 0,
    blankLines: state.snapshot?.blankLines ?? 0,
    seconds: Math.round((endedAtMs - state.startedAtMs) / 100) / 10,
    runFolder: runFolderAddress(state),
  };
}

export function runFolderAddress(state: RunState): string {
  return `gs://${state.run.bucket}/${runFolder(state.run.name).root}`;
}
