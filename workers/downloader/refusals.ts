/**
 * Whom a refusal tells of: the origin, which asks everybody for patience, or this item, which it always refuses. An item is
 * never blamed for the first, and may neither hang a run nor slow its downloader down for the second. Docs: decision 6.
 */
export type Refusals = {
  /** Takes in one more; `passed` counts the attempts that got through on this downloader so far. */
  add(passed: number): Verdict;
  /** What the item's message carries, should it be released; see {@link createRefusals}. */
  readonly score: number;
};

export type Verdict =
  /** Everybody is to be patient. */
  | 'origin'
  /** Others get through: this item waits by itself. */
  | 'item'
  /** It was refused long enough. */
  | 'hopeless';

/** A refusal after which others got through before the next says as much as eight that may have met everybody. */
const loneWeight = 8;

/** Three of them: by bad luck one item in some hundred gets here where every second attempt is refused. */
const suspectScore = 3 * loneWeight;

/** Twelve, within a quarter of an hour; or as many refusals as a day of cooling brings, where nothing else gets through. */
const hopelessScore = 12 * loneWeight;

/** @param carried the score that the item's message brought. */
export function createRefusals(carried: number): Refusals {
  let score = carried;
  /** Others that got through when it was last refused; null before. */
  let passedBefore: number | null = null;
  return {
    add(passed) {
      const isSuspect = score >= suspectScore;
      const isLone = isSuspect || (passedBefore !== null && passed > passedBefore);
      passedBefore = passed;
      score += isLone ? loneWeight : 1;
      if (score >= hopelessScore) return 'hopeless';
      return score >= suspectScore ? 'item' : 'origin';
    },
    get score() {
      return score;
    },
  };
}

/** A suspect's own pauses: as the downloader's, but no longer than that it is over in a quarter of an hour. */
const firstPauseMs = 5_000;
const longestPauseMs = 120_000;

/** How long an item waits by itself after a refusal, ms; longer each time, and as long as the origin asks for. */
export function lonePauseMs(score: number, retryAfterMs: number | null): number {
  const doublings = Math.floor((score - suspectScore) / loneWeight);
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.max(0, doublings));
  return Math.max(pauseMs, retryAfterMs ?? 0);
}
