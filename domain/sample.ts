import { firstCounts } from './counts.ts';
import type { Counts } from './counts.ts';
import type { ErrorCounts } from './run-errors.ts';
import type { Snapshot } from './snapshot.ts';

/** "Any 500 consecutive outcomes": the window in which a failing run is recognised. */
export const outcomeWindow = 500;

/**
 * What a collector knows of a run at one moment; counts only, never ids (I8), but for a few examples of errors. It is also the
 * heartbeat's payload, without errors.
 */
export type Sample = {
  /** When it was true, Unix ms. */
  readonly asOfMs: number;
  /** Exact: what the ledger holds, and what the snapshot settled: skipped, and gone. */
  readonly counts: Counts;
  readonly storedBytes: number;
  /** Of all windows of {@link outcomeWindow} outcomes, in order of arrival, that with the most failures; the outcomes so far while they are fewer. */
  readonly recent: { readonly outcomes: number; readonly failed: number };
  /** Downloaders with a fresh beat. */
  readonly heard: number;
  /** Those of them with nothing in hand. */
  readonly idle: number;
  /** Indices without outcome that fresh beats hold. */
  readonly holding: number;
  /** Throttled attempts that fresh beats report. */
  readonly throttled: number;
  /** Downloaders with a fresh beat whose origin asks for patience: refused since the beat before, or pausing still. */
  readonly pausing: number;
  /** Where all of them pause: when the first one goes on, Unix ms; else 0. */
  readonly pauseUntilMs: number;
  /** What items failed with; absent when the run knows it already. */
  readonly errors?: ErrorCounts;
};

/** A run's first sample, before any outcome. */
export function firstSample(snapshot: Snapshot, nowMs: number): Sample {
  return {
    asOfMs: nowMs,
    counts: firstCounts(snapshot),
    storedBytes: 0,
    recent: { outcomes: 0, failed: 0 },
    heard: 0,
    idle: 0,
    holding: 0,
    throttled: 0,
    pausing: 0,
    pauseUntilMs: 0,
  };
}
