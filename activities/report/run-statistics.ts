import { FrequentErrors } from './frequent-errors.ts';
import type { ResultLine } from './result-line.ts';
import { GoneStatistics } from './gone-statistics.ts';
import { SecondsHistogram } from './seconds-histogram.ts';
import { Throughput } from './throughput.ts';

/** Slowest items that are remembered. */
const slowestItems = 10;

/** One of the slowest items. */
export type SlowItem = Pick<ResultLine, 'key' | 'index' | 'outcome' | 'attempts' | 'bytes'> & {
  readonly seconds: number;
};

/** What the report says about many items, gathered one result at a time with bounded memory. */
export class RunStatistics {
  readonly counts = { stored: 0, skipped: 0, gone: 0, failed: 0, quarantined: 0, unsettled: 0 };
  readonly gone = new GoneStatistics();
  storedBytes = 0;
  /** What is stored beside those items. */
  readonly sideFiles = { count: 0, bytes: 0 };
  /** Items that took more than one attempt. */
  retried = 0;
  readonly storedSeconds = new SecondsHistogram();
  readonly failedSeconds = new SecondsHistogram();
  readonly throughput: Throughput;
  readonly errors = new FrequentErrors();
  slowest: SlowItem[] = [];

  constructor(startedAtMs: number, endedAtMs: number) {
    this.throughput = new Throughput(startedAtMs, endedAtMs);
  }

  add(result: ResultLine): void {
    const { key, outcome, seconds, at } = result;
    this.counts[outcome] += 1;
    if (outcome === 'gone') return this.gone.add(result);
    if (outcome === 'unsettled' || at === null || seconds === null) return;
    const bytes = outcome === 'stored' ? (result.bytes ?? 0) : 0;
    this.storedBytes += bytes;
    if (outcome === 'stored') this.#addSides(result);
    if (result.attempts > 1) this.retried += 1;
    this.throughput.add(outcome, Date.parse(at), bytes);
    if (outcome === 'stored') this.storedSeconds.add(seconds);
    if (outcome === 'failed') this.failedSeconds.add(seconds);
    if (result.error !== null) this.errors.add(key, result.reason ?? '', result.error);
    if (outcome === 'stored' || outcome === 'failed') this.#addSlow({ ...result, seconds });
  }

  #addSides({ sideFiles = {} }: ResultLine): void {
    for (const bytes of Object.values(sideFiles)) {
      this.sideFiles.count += 1;
      this.sideFiles.bytes += bytes;
    }
  }

  #addSlow({ key, index, outcome, attempts, bytes, seconds }: SlowItem): void {
    const last = this.slowest.at(-1);
    if (this.slowest.length === slowestItems && last !== undefined && seconds <= last.seconds)
      return;
    this.slowest = [...this.slowest, { key, index, outcome, attempts, bytes, seconds }]
      .toSorted((a, b) => b.seconds - a.seconds)
      .slice(0, slowestItems);
  }
}
