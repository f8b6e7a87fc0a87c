import { setTimeout as sleep } from 'node:timers/promises';

/** What was missed in a pause is made up for at most over this; more would be a burst, which a rate is there to prevent. */
const longestArrearsMs = 1_000;

/** How often a paced publisher publishes: often enough to look even, seldom enough to batch. */
export const pacedRequestMs = 500;

/** Keeps a rate: {@link due} resolves when the next items may go. */
export class Pacer {
  readonly #msPerItem: number;
  readonly #signal: AbortSignal;
  #nextAtMs: number;

  /** @param itemsJustNow items that went right before, whose time is still to be waited for. */
  constructor(itemsPerMinute: number, signal: AbortSignal, itemsJustNow: number) {
    this.#msPerItem = 60_000 / itemsPerMinute;
    this.#signal = signal;
    this.#nextAtMs = performance.now() + itemsJustNow * this.#msPerItem;
  }

  /** Resolves when `items` may be published, and takes them as published. */
  async due(items: number): Promise<void> {
    const now = performance.now();
    this.#nextAtMs = Math.max(this.#nextAtMs, now - longestArrearsMs);
    const waitMs = this.#nextAtMs - now;
    this.#nextAtMs += items * this.#msPerItem;
    if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#signal });
  }
}
