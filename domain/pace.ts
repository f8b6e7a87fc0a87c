import { settledOf } from './counts.ts';
import type { Sample } from './sample.ts';

/** A moment of a run, kept to tell its pace. */
export type Mark = { readonly asOfMs: number; readonly settled: number };

/** Marks kept: slices are 5 % of the age, so 15 of them span about the last half of the run. */
const marksKept = 15;

/** The newest marks with this sample's added. */
export function addMark(marks: readonly Mark[], sample: Sample): Mark[] {
  return [...marks, { asOfMs: sample.asOfMs, settled: settledOf(sample.counts) }].slice(-marksKept);
}

/** Items a minute over the marks kept; null before two of them lie apart. */
export function itemsPerMinute(marks: readonly Mark[]): number | null {
  const first = marks[0];
  const last = marks.at(-1);
  if (first === undefined || last === undefined || last.asOfMs <= first.asOfMs) return null;
  return ((last.settled - first.settled) * 60_000) / (last.asOfMs - first.asOfMs);
}

/** Seconds until the rest is settled at this pace; null when the pace is unknown or zero. */
export function secondsLeft(unsettled: number, perMinute: number | null): number | null {
  if (unsettled === 0) return 0;
  return perMinute === null || perMinute <= 0 ? null : Math.ceil((unsettled / perMinute) * 60);
}
