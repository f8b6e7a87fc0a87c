import { FrequentErrors } from './frequent-errors.ts';
import type { FrequentError } from './frequent-errors.ts';
import type { ResultLine } from './result-line.ts';

/** Messages in the report: why something is gone is said in few ways. */
const mostErrors = 5;

/** What the report says of items that were not tried. Public: a field may be added, none renamed. */
export type GoneReport = {
  readonly count: number;
  /** When the first and the last of them were found gone, ISO 8601. */
  readonly since: string;
  readonly until: string;
  /** From when on a run tries the first of them again, and from when on all, ISO 8601. */
  readonly triedAgainFrom: string;
  readonly allTriedAgainFrom: string;
  /** What they failed with then. */
  readonly errors: readonly FrequentError[];
};

/** Items that an earlier run found gone, gathered one at a time with bounded memory. */
export class GoneStatistics {
  readonly #errors = new FrequentErrors();
  #count = 0;
  #firstMs = Infinity;
  #lastMs = -Infinity;

  add({ key, error, at, reason }: ResultLine): void {
    const atMs = Date.parse(at ?? '');
    this.#count += 1;
    this.#firstMs = Math.min(this.#firstMs, atMs);
    this.#lastMs = Math.max(this.#lastMs, atMs);
    this.#errors.add(key, reason ?? '', error ?? '');
  }

  /** Null where none is. @param goneForMs for how long they are not tried. */
  report(goneForMs: number): GoneReport | null {
    if (this.#count === 0) return null;
    const iso = (atMs: number): string => new Date(atMs).toISOString();
    return {
      count: this.#count,
      since: iso(this.#firstMs),
      until: iso(this.#lastMs),
      triedAgainFrom: iso(this.#firstMs + goneForMs),
      allTriedAgainFrom: iso(this.#lastMs + goneForMs),
      errors: this.#errors.top(mostErrors),
    };
  }
}
