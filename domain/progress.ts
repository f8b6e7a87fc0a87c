import type { FleetState } from './fleet-state.ts';

/** Where a run is in its story. Public, with the fields of {@link Progress}: added, never renamed. */
export type Phase =
  | 'preflight'
  | 'snapshot'
  | 'queue'
  | 'downloading'
  | 'paused'
  | 'cleaning-up'
  | 'reporting'
  | 'ended';

/** What query `progress` answers. */
export type Progress = {
  readonly phase: Phase;
  /** One sentence for a person: what is going on, and what is waited for. */
  readonly state: string;
  /** Items of the run; null until the list was read. */
  readonly total: number | null;
  readonly settled: number;
  readonly stored: number;
  readonly skipped: number;
  readonly failed: number;
  readonly quarantined: number;
  /** Not tried: an earlier run found them gone. */
  readonly gone: number;
  readonly unsettled: number | null;
  readonly storedBytes: number;
  /** Over the last part of the run; null while unknown. */
  readonly itemsPerMinute: number | null;
  readonly secondsLeft: number | null;
  /** Items a minute that are published at most; null without a limit. */
  readonly rateLimit: number | null;
  readonly fleet: FleetState | null;
  /** Where origins ask for patience: until when it stays as `state` says if nothing changes, ISO 8601; else null. */
  readonly until: string | null;
  /** When the counts were true, ISO 8601; null before the first. */
  readonly asOf: string | null;
  /** gs:// address of snapshot, ledger and report. */
  readonly runFolder: string;
};

/** What a run gives back when it ends well. */
export type RunResult = {
  readonly total: number;
  readonly stored: number;
  readonly skipped: number;
  readonly failed: number;
  readonly quarantined: number;
  /** Not tried: an earlier run found them gone. */
  readonly gone: number;
  readonly storedBytes: number;
  /** Lines of the list that were not items of their own. */
  readonly duplicates: number;
  readonly blankLines: number;
  readonly seconds: number;
  /** gs:// address: results.jsonl, failed.txt, remaining.txt, report.json, report.html. */
  readonly runFolder: string;
};
