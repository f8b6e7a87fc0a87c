/** A slice of collecting is this share of the run's age: a watcher is never later than 5 % of what was waited already. */
const shareOfAge = 0.05;
/** The first slices: a person who just started a run looks at it each second. */
const shortestSliceMs = 1_000;
/** The longest: a ten-hour run makes some 400 slices, far from Temporal's 51,200 events. */
const longestSliceMs = 120_000;

/** How long the next slice of collecting takes, ms, for a run of this age: history grows with log(age), then slowly. */
export function nextSliceMs(ageMs: number): number {
  return Math.round(Math.min(longestSliceMs, Math.max(shortestSliceMs, ageMs * shareOfAge)));
}

/** Reading a fleet that is as wanted costs history too: a tenth of the run's age apart, 5 s to 5 min. */
const fleetShareOfAge = 0.1;
const shortestFleetReadMs = 5_000;
const longestFleetReadMs = 300_000;

/**
 * Whether the fleet is to be read now. While it is not as wanted (downloaders are missing, it gave no answer, it ended), each
 * slice asks, for then something may have to be mended; but not before the first beats can have arrived.
 */
export function isFleetReadDue(look: {
  readonly ageMs: number;
  readonly sinceLastReadMs: number;
  readonly isAsWanted: boolean;
}): boolean {
  const regularMs = Math.min(
    longestFleetReadMs,
    Math.max(shortestFleetReadMs, look.ageMs * fleetShareOfAge),
  );
  return look.sinceLastReadMs >= (look.isAsWanted ? regularMs : shortestFleetReadMs);
}
