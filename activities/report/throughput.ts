import type { OutcomeKind } from '../../domain/outcome.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Widths that a person reads at a glance. */
const widthsMs = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * second),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * minute),
  ...[1, 2, 3, 6, 12].map((n) => n * hour),
  ...[1, 2, 5, 10, 30].map((n) => n * day),
];
/** As many bars as a picture shows apart. */
const maxBins = 72;

export type ThroughputBin = Record<OutcomeKind, number> & { bytes: number };

/** Outcomes over a run's time, in a bounded number of bins. Clocks of downloaders may be wrong: what lies outside is clamped. */
export class Throughput {
  readonly binMs: number;
  readonly bins: ThroughputBin[];
  readonly #startedAtMs: number;

  constructor(startedAtMs: number, endedAtMs: number) {
    const lengthMs = Math.max(1, endedAtMs - startedAtMs);
    this.binMs =
      widthsMs.find((width) => lengthMs / width <= maxBins) ?? Math.ceil(lengthMs / maxBins);
    this.#startedAtMs = startedAtMs;
    this.bins = Array.from({ length: Math.ceil(lengthMs / this.binMs) }, () => ({
      stored: 0,
      skipped: 0,
      failed: 0,
      quarantined: 0,
      bytes: 0,
    }));
  }

  add(kind: OutcomeKind, atMs: number, bytes: number): void {
    const at = Math.floor((atMs - this.#startedAtMs) / this.binMs);
    const bin = this.bins[Math.min(this.bins.length - 1, Math.max(0, at))];
    if (bin === undefined) return;
    bin[kind] += 1;
    bin.bytes += bytes;
  }
}
