import type { Outcome } from '../../domain/outcome.ts';
import type { AttemptEnding } from './tasks/task.ts';

/** What is looked at when somebody collects the metrics. */
export type MeterReadings = {
  readonly slots: number;
  /** Items in hand: slots that are used. */
  inHand(): number;
  /** How long the downloader still waits for the origin's patience, ms. */
  restMs(): number;
};

/** What the downloader counts. Called for each item, so none of it may take longer than counting does. */
export type Meter = {
  watch(readings: MeterReadings): void;
  attemptEnded(kind: AttemptEnding['kind']): void;
  /** An attempt begins at an item that this downloader has tried before. */
  retried(): void;
  /** The outcome is published, and the message acked. */
  settled(outcome: Outcome): void;
  /** A copy is published, and the message acked. */
  released(): void;
  leasesRenewed(leases: number): void;
  /** A turn's renewal was given up; the next turn asks for them again. */
  leasesNotRenewed(leases: number): void;
  leaseLost(): void;
  /** The origin asked for patience, and the downloader begins to wait. */
  paused(): void;
  /** Tells it no more. */
  close(): void;
};

/** Of a downloader that nobody collects metrics from. */
export const noMeter: Meter = {
  watch() {},
  attemptEnded() {},
  retried() {},
  settled() {},
  released() {},
  leasesRenewed() {},
  leasesNotRenewed() {},
  leaseLost() {},
  paused() {},
  close() {},
};
