import { presentOf } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';

/** How many items of a run ended in each way. `settled` is their sum, see {@link settledOf}. */
export type Counts = {
  readonly stored: number;
  readonly skipped: number;
  readonly failed: number;
  readonly quarantined: number;
  /** Not tried, for it was gone in an earlier run; absent where none is, and in what older code wrote. */
  readonly gone?: number;
};

export const noCounts: Counts = { stored: 0, skipped: 0, failed: 0, quarantined: 0 };

/** The number of items that have an outcome. */
export function settledOf(counts: Counts): number {
  const { stored, skipped, failed, quarantined, gone = 0 } = counts;
  return stored + skipped + failed + quarantined + gone;
}

/** The counts before any outcome: what is in the bucket already is skipped, what is known to be gone is not tried. */
export function firstCounts(snapshot: Pick<Snapshot, 'total' | 'published' | 'gone'>): Counts {
  const { gone = 0 } = snapshot;
  const counts = { ...noCounts, skipped: presentOf(snapshot) };
  return gone === 0 ? counts : { ...counts, gone };
}
