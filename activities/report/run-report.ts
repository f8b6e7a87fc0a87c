import type { Ending } from '../../domain/ending.ts';
import type { RunRef } from '../../domain/names.ts';
import type { RunSpec } from '../../domain/run-spec.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import { presentOf } from '../../domain/snapshot.ts';
import type { FrequentError } from './frequent-errors.ts';
import type { GoneReport } from './gone-statistics.ts';
import type { RunStatistics, SlowItem } from './run-statistics.ts';
import { planSecondsBins } from './seconds-bins.ts';
import type { SecondsBin } from './seconds-bins.ts';
import type { SecondsHistogram } from './seconds-histogram.ts';
import type { ThroughputBin } from './throughput.ts';

/** Messages in the report: the rest is in `results.jsonl`. */
const mostErrors = 12;

/** What `report.json` says. Public: a field may be added, none renamed. */
export type RunReport = {
  readonly version: 1;
  readonly run: string;
  readonly workflowId: string;
  readonly firstRunId: string;
  /** Where this report and its neighbours are: gs://…/. */
  readonly runFolder: string;
  readonly ending: Ending;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly seconds: number;
  readonly list: Snapshot & { readonly presentBefore: number };
  readonly counts: RunStatistics['counts'];
  readonly storedBytes: number;
  /** Stored beside the items' objects, whose bytes do not count them. */
  readonly sideFiles: RunStatistics['sideFiles'];
  readonly retried: number;
  readonly rates: { readonly itemsPerMinute: number; readonly bytesPerSecond: number };
  readonly secondsPerItem: {
    readonly stored: Spread;
    readonly failed: Spread;
    readonly bins: readonly SecondsBin[];
  };
  readonly throughput: { readonly binSeconds: number; readonly bins: readonly ThroughputBin[] };
  readonly errors: {
    readonly kinds: number;
    readonly top: readonly FrequentError[];
    /** Failures whose message was not told apart. */
    readonly others: number;
  };
  /** Items that were not tried, for an earlier run found them gone; null where none is. */
  readonly gone: GoneReport | null;
  readonly slowest: readonly SlowItem[];
  /** The run's input after parsing; of an inline list only its length. */
  readonly spec: Omit<RunSpec, 'items'> & { readonly items: string };
};

/** Seconds an item took, from delivery to outcome; quantiles are exact to 1.2 %. */
export type Spread = {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
};

export type ReportInput = {
  readonly run: RunRef;
  readonly runFolder: string;
  readonly spec: RunSpec;
  readonly snapshot: Snapshot;
  readonly ending: Ending;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
};

/**
 * Puts a run's report together.
 * @throws Error when the numbers do not add up: then the ledger or the snapshot was changed.
 */
export function planReport(input: ReportInput, statistics: RunStatistics): RunReport {
  const { run, spec, snapshot, startedAtMs, endedAtMs } = input;
  const { counts, storedBytes, throughput, errors } = statistics;
  assertAddsUp(input, statistics);
  const seconds = Math.max(0, endedAtMs - startedAtMs) / 1_000;
  const presentBefore = presentOf(snapshot);
  const done = snapshot.published - counts.unsettled;
  return {
    version: 1,
    run: run.name,
    workflowId: run.workflowId,
    firstRunId: run.firstRunId,
    runFolder: input.runFolder,
    ending: input.ending,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: new Date(endedAtMs).toISOString(),
    seconds,
    list: { ...snapshot, presentBefore },
    counts: { ...counts },
    storedBytes,
    sideFiles: { ...statistics.sideFiles },
    retried: statistics.retried,
    rates: {
      itemsPerMinute: perSecond(done * 60, seconds),
      bytesPerSecond: perSecond(storedBytes, seconds),
    },
    secondsPerItem: {
      stored: spreadOf(statistics.storedSeconds),
      failed: spreadOf(statistics.failedSeconds),
      bins: planSecondsBins(statistics.storedSeconds, statistics.failedSeconds),
    },
    throughput: { binSeconds: throughput.binMs / 1_000, bins: throughput.bins },
    errors: { kinds: errors.kinds, top: errors.top(mostErrors), others: errors.others },
    gone: statistics.gone.report(spec.goneForMs),
    slowest: statistics.slowest,
    spec: { ...spec, items: itemsText(spec) },
  };
}

function assertAddsUp({ run, snapshot }: ReportInput, { counts, throughput }: RunStatistics): void {
  const items = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const shown = throughput.bins.reduce(
    (sum, bin) => sum + bin.stored + bin.skipped + bin.failed + bin.quarantined,
    0,
  );
  const done = snapshot.published - counts.unsettled;
  if (items === snapshot.total && shown === done) return;
  throw new Error(
    `report of run ${run.name}: ${items} items with an ending instead of ${snapshot.total}, ` +
      `${shown} of them over time instead of ${done} — its ledger or snapshot was changed`,
  );
}

function spreadOf(histogram: SecondsHistogram): Spread {
  return {
    count: histogram.count,
    mean: rounded(histogram.mean),
    p50: rounded(histogram.quantile(0.5)),
    p90: rounded(histogram.quantile(0.9)),
    p99: rounded(histogram.quantile(0.99)),
    max: rounded(histogram.max),
  };
}

function rounded(seconds: number): number {
  return Number(seconds.toPrecision(4));
}

function perSecond(count: number, seconds: number): number {
  return seconds === 0 ? 0 : count / seconds;
}

function itemsText({ items }: RunSpec): string {
  return typeof items === 'string' ? items : `inline (${items.length} items)`;
}
