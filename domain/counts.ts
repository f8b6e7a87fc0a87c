/** How many items of a run ended in each way. `settled` is their sum, see {@link settledOf}. */
export type Counts = {
  readonly stored: number;
  readonly skipped: number;
  readonly failed: number;
  readonly quarantined: number;
};

export const noCounts: Counts = { stored: 0, skipped: 0, failed: 0, quarantined: 0 };

/** The number of items that have an outcome. */
export function settledOf(counts: Counts): number {
  return counts.stored + counts.skipped + counts.failed + counts.quarantined;
}
