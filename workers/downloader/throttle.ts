import { setTimeout as sleep } from 'node:timers/promises';

/** The downloader's own breaker: closed while the origin asks for patience. */
export type Throttle = {
  isOpen(): boolean;
  /**
   * Resolves when attempts may start again, sooner for who was refused more often; rejects when `signal` is aborted.
   */
  opened(refusals: number, signal: AbortSignal): Promise<void>;
  /** An attempt that began at `startedMs` was asked for patience. True when a pause begins with it. */
  report(startedMs: number, retryAfterMs: number | null): boolean;
  /** An attempt got through: the origin's patience is back. */
  clear(startedMs: number): void;
  /** Throttled attempts since the last call, for the beat. */
  takeCount(): number;
  /** How long it stays closed, ms; 0 when it is open. */
  restMs(): number;
  /** Attempts that got through so far: who was refused can see whether others were not. */
  readonly passed: number;
};

/** YouTube's and most servers' limits are per minute or hour: knocking sooner than this only prolongs them. */
const firstPauseMs = 5_000;

/** Half of the shortest cooling for which the workflow suspends the whole fleet (10 min). */
const longestPauseMs = 300_000;

/** An origin that names a longer time is believed up to here; a run of cooling is the workflow's decision. */
export const longestRetryAfterMs = 3_600_000;

/** Items that waited start again over this share of the pause, not all at one moment. */
const spread = 0.25;

/** `now` is monotonic, in ms; `random` gives 0 ≤ x < 1. */
export function createThrottle(options: { now: () => number; random: () => number }): Throttle {
  const { now, random } = options;
  let closedMs = Number.NEGATIVE_INFINITY;
  let untilMs = Number.NEGATIVE_INFINITY;
  let pauseMs = 0;
  let count = 0;
  let passed = 0;
  const isOpen = (): boolean => now() >= untilMs;

  return {
    isOpen,
    async opened(refusals, signal) {
      while (!isOpen()) {
        const restMs = untilMs - now() + (random() * spread * pauseMs) / (1 + refusals);
        await sleep(restMs, undefined, { signal });
      }
    },
    report(startedMs, retryAfterMs) {
      count += 1;
      // Attempts that were under way when the breaker closed say nothing new, unless they name a later time.
      const isNews = startedMs >= closedMs;
      if (isNews) {
        pauseMs = Math.min(longestPauseMs, pauseMs === 0 ? firstPauseMs : pauseMs * 2);
        closedMs = now();
      }
      const asked = Math.min(retryAfterMs ?? 0, longestRetryAfterMs);
      const wantedMs = isNews ? Math.max(asked, pauseMs * (0.5 + random() / 2)) : asked;
      untilMs = Math.max(untilMs, now() + wantedMs);
      return isNews;
    },
    clear(startedMs) {
      passed += 1;
      if (startedMs >= closedMs && isOpen()) pauseMs = 0;
    },
    takeCount() {
      const taken = count;
      count = 0;
      return taken;
    },
    restMs: () => Math.max(0, Math.ceil(untilMs - now())),
    get passed() {
      return passed;
    },
  };
}
