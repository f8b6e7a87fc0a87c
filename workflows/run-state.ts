import { patched, workflowInfo } from '@temporalio/workflow';
import { nextBreaker, nextStepAtMs, openBreaker } from '../domain/breaker.ts';
import type { Breaker } from '../domain/breaker.ts';
import { noCounts, settledOf } from '../domain/counts.ts';
import { enoughUntil } from '../domain/fleet-size.ts';
import type { Workers } from '../domain/fleet-size.ts';
import type { FleetState } from '../domain/fleet-state.ts';
import { isMoving } from '../domain/judgement.ts';
import { runFolder, runName, runNameWithoutTime } from '../domain/names.ts';
import type { RunRef } from '../domain/names.ts';
import { addMark, itemsPerMinute, secondsLeft } from '../domain/pace.ts';
import type { Mark } from '../domain/pace.ts';
import type { Phase, Progress, RunResult } from '../domain/progress.ts';
import { noErrors } from '../domain/run-errors.ts';
import type { ErrorCounts } from '../domain/run-errors.ts';
import type { RunSpec } from '../domain/run-spec.ts';
import type { Sample } from '../domain/sample.ts';
import type { SearchAttributeName, SearchAttributeValues } from '../domain/search-attributes.ts';
import type { Snapshot } from '../domain/snapshot.ts';

/** How far a lane of publishing is: its next item, counted within the lane. */
export type Lane = {
  readonly next: number;
  readonly isDone: boolean;
  /** With a `rateLimit`: when its next item is due, Unix ms. */
  readonly dueAtMs?: number;
  /** Where it publishes again what has no outcome: how many are left of these. */
  readonly leftAgain?: number;
};

/** What the next execution of a run's chain must know: counts and times, never ids (I8). */
export type Carried = {
  /** The run's name; absent where the chain began before it was carried. */
  readonly name?: string;
  readonly startedAtMs: number;
  readonly snapshot: Snapshot;
  readonly lanes: readonly Lane[];
  readonly sample: Sample;
  /** Absent where an execution of older code goes on as new. */
  readonly errors?: ErrorCounts;
  readonly marks: readonly Mark[];
  readonly lastMovedAtMs: number;
  readonly fruitlessRounds: number;
  readonly hasLostMessages: boolean;
  readonly enoughUntilMs: number;
  readonly workers: Workers;
  /** Null: without one. Absent where an execution of older code goes on as new: then it is as in the input. */
  readonly rateLimit?: number | null;
  readonly breaker: Breaker;
  readonly isPaused: boolean;
  /** Absent where an execution of older code goes on as new. */
  readonly searchAttributes?: readonly SearchAttributeName[];
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
  /** How many downloaders the run may have; after a message `scale`, exactly so many. */
  workers: Workers;
  /** Items a minute that are published at most, by the input or the last `setRateLimit`; null: as many as can be. */
  rateLimit: number | null;
  /** What the run does about origins that ask for patience. */
  breaker: Breaker;
  /** What the last look saw; null before the first. */
  fleet: FleetState | null;
  fleetReadAtMs: number;
  /** When downloaders were last asked to start. */
  fleetStartedAtMs: number;
  /** Until then nobody asks whether more downloaders are needed, see {@link enoughUntil}. */
  enoughUntilMs: number;
  /** Somebody looks after the fleet at this moment: one at a time, or two would start it. */
  isTending: boolean;
  /** What could not be done with the fleet at the last look, though it may pass. */
  trouble: string | null;
  /** Items without outcome when the last generation was started for what the one before had left; null when none was. */
  outstandingAtGeneration: number | null;
  sample: Sample | null;
  /** What items failed with so far. */
  errors: ErrorCounts;
  marks: readonly Mark[];
  /** The last slice brought no outcome. */
  isQuiet: boolean;
  lastMovedAtMs: number;
  /** Reconciliations in a row after which nothing moved. */
  fruitlessRounds: number;
  /** The queue was made again, and what was in the lost one is not in it yet. */
  hasLostMessages: boolean;
  /** Search attributes that the namespace has, and what they were set to last. */
  searchAttributes: readonly SearchAttributeName[];
  searchAttributesWritten: SearchAttributeValues | null;
};

/** What this run was named by its first execution, whose code may be older than ours. */
function nameOf(carried: Carried | undefined): string {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const old = runNameWithoutTime(workflowId, firstExecutionRunId);
  if (carried !== undefined) return carried.name ?? old;
  const name = runName(workflowId, firstExecutionRunId);
  return name === old || patched('time-in-name') ? name : old;
}

/** What a paused run says of itself, however long ago that was. */
export const pausedSentence = 'paused: nothing new is downloaded until resume';

export function newRunState(spec: RunSpec, carried: Carried | undefined): RunState {
  const { workflowId, firstExecutionRunId, startTime } = workflowInfo();
  return {
    spec,
    run: {
      name: nameOf(carried),
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
    workers: carried?.workers ?? spec.workers,
    rateLimit: carried?.rateLimit === undefined ? (spec.rateLimit ?? null) : carried.rateLimit,
    breaker: carried?.breaker ?? openBreaker,
    fleet: null,
    fleetReadAtMs: 0,
    fleetStartedAtMs: 0,
    enoughUntilMs: carried?.enoughUntilMs ?? 0,
    isTending: false,
    trouble: null,
    outstandingAtGeneration: null,
    sample: carried?.sample ?? null,
    errors: carried?.errors ?? noErrors,
    marks: carried?.marks ?? [],
    isQuiet: false,
    lastMovedAtMs: carried?.lastMovedAtMs ?? 0,
    fruitlessRounds: carried?.fruitlessRounds ?? 0,
    hasLostMessages: carried?.hasLostMessages ?? false,
    searchAttributes: carried?.searchAttributes ?? [],
    searchAttributesWritten: null,
  };
}

function firstPhase(carried: Carried | undefined): Phase {
  if (carried === undefined) return 'preflight';
  return carried.isPaused ? 'paused' : 'downloading';
}

export function carry(state: RunState): Carried {
  const { snapshot, sample } = state;
  if (snapshot === null || sample === null) throw new Error('carry: the run has no sample yet');
  return {
    name: state.run.name,
    startedAtMs: state.startedAtMs,
    snapshot,
    lanes: state.lanes,
    sample,
    errors: state.errors,
    marks: state.marks,
    lastMovedAtMs: state.lastMovedAtMs,
    fruitlessRounds: state.fruitlessRounds,
    hasLostMessages: state.hasLostMessages,
    enoughUntilMs: state.enoughUntilMs,
    workers: state.workers,
    rateLimit: state.rateLimit,
    breaker: state.breaker,
    isPaused: state.isPaused,
    searchAttributes: state.searchAttributes,
  };
}

/** Takes in what a slice of collecting saw. */
export function observe(state: RunState, { errors, ...sample }: Sample): void {
  if (errors !== undefined) state.errors = errors;
  if (isMoving(state.sample, sample)) state.lastMovedAtMs = sample.asOfMs;
  state.isQuiet =
    state.sample !== null && settledOf(sample.counts) <= settledOf(state.sample.counts);
  if (!state.isQuiet) state.fruitlessRounds = 0;
  state.sample = sample;
  state.marks = addMark(state.marks, sample);
  state.enoughUntilMs = enoughUntil(state.enoughUntilMs, sample, waitingOf(state));
  const size = state.fleet?.kind === 'running' ? state.fleet.wanted : sample.heard;
  state.breaker = nextBreaker(state.breaker, { sample, size, most: state.workers.max });
}

/** How many downloaders the run may have at this moment. */
export function allowedWorkers({ workers, breaker }: RunState): Workers {
  const most = breaker.limit ?? workers.max;
  return { min: Math.min(workers.min, most), max: Math.min(workers.max, most) };
}

/** Whether the run's downloaders are suspended until origins may have patience again. */
export function isCooling({ breaker }: RunState): boolean {
  return breaker.coolingUntilMs !== null;
}

/** Whether the run is to have no downloader at work: a person paused it, or it cools down. */
export function isHeld(state: RunState): boolean {
  return state.isPaused || isCooling(state);
}

/** Items without an outcome. */
export function outstandingOf({ snapshot, sample }: RunState): number {
  return (snapshot?.total ?? 0) - settledOf(sample?.counts ?? noCounts);
}

/**
 * Items that are published, without outcome, and in nobody's hands. What the slice of publishing that is under way brought is
 * not counted yet: rather too few, for downloaders that are called for nothing cost money.
 */
export function waitingOf(state: RunState): number {
  return outstandingOf(state) - unpublishedOf(state) - (state.sample?.holding ?? 0);
}

/** Items that are still to be published, be it again. */
export function unpublishedOf({ lanes, snapshot }: RunState): number {
  const [first] = lanes;
  if (first?.leftAgain !== undefined) return first.leftAgain;
  const published = lanes.reduce((sum, lane) => sum + lane.next, 0);
  return (snapshot?.published ?? 0) - published;
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
    gone: counts.gone ?? 0,
    unsettled,
    storedBytes: state.sample?.storedBytes ?? 0,
    itemsPerMinute: perMinute === null ? null : Math.round(perMinute * 10) / 10,
    secondsLeft: unsettled === null ? null : secondsLeft(unsettled, perMinute),
    rateLimit: state.rateLimit,
    fleet: state.fleet,
    until: untilOf(state),
    asOf: state.sample === null ? null : new Date(state.sample.asOfMs).toISOString(),
    runFolder: runFolderAddress(state),
  };
}

/** Until when the run does what its sentence says of the origins' patience. */
function untilOf(state: RunState): string | null {
  if (state.isPaused || (state.phase !== 'downloading' && state.phase !== 'paused')) return null;
  const untilMs = nextStepAtMs(state.breaker);
  return untilMs === null ? null : new Date(untilMs).toISOString();
}

export function resultOf(state: RunState, endedAtMs: number): RunResult {
  const counts = state.sample?.counts ?? noCounts;
  return {
    total: state.snapshot?.total ?? 0,
    ...counts,
    gone: counts.gone ?? 0,
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
