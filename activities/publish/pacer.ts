import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What was missed is made up for at most over this: the moments between two slices, and a loaded machine. More would be a burst,
 * which a rate is there to prevent.
 */
const longestArrearsMs = 5_000;

/** How often a paced publisher publishes: often enough to look even, seldom enough to batch. */
export const pacedRequestMs = 500;

/** Keeps a rate: {@link due} resolves when the next items may go. Between its ends it goes by the monotonic clock. */
export class Pacer {
  readonly #msPerItem: number;
  readonly #signal: AbortSignal;
  #nextAtMs: number;

  /** @param dueAtMs when the next item may go, Unix ms; never later than `latestInMs` from now, whatever our clock says. */
  constructor(options: {
    readonly itemsPerMinute: number;
    readonly dueAtMs: number;
    readonly latestInMs: number;
    readonly signal: AbortSignal;
  }) {
    this.#msPerItem = 60_000 / options.itemsPerMinute;
    this.#signal = options.signal;
    const inMs = Math.min(options.dueAtMs - Date.now(), options.latestInMs);
    this.#nextAtMs = performance.now() + inMs;
  }

  /** When the next item may go, Unix ms. */
  get dueAtMs(): number {
    return Math.round(Date.now() + this.#nextAtMs - performance.now());
  }

  /** Whether the next item may go before this moment of the monotonic clock. */
  isDueBefore(endMs: number): boolean {
    return this.#nextAtMs < endMs;
  }

  /** Resolves when `items` may be published, and takes them as published. */
  async due(items: number): Promise<void> {
    const now = performance.now();
    this.#nextAtMs = Math.max(this.#nextAtMs, now - longestArrearsMs);
    const waitMs = this.#nextAtMs - now;
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#signal });
    this.#nextAtMs += items * this.#msPerItem;
  }
}
