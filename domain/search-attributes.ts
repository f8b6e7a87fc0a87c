/**
 * What a run shows in Temporal's list of workflows, where the namespace has these search attributes. Public: added, never
 * renamed. `spotloop search-attributes create` creates them.
 */
export const searchAttributes = {
  /** As query `progress` has it, or `cooling-down`. */
  SpotloopState: 'Keyword',
  SpotloopTotal: 'Int',
  SpotloopSettled: 'Int',
  SpotloopFailed: 'Int',
  /** gs://BUCKET/PREFIX/, cut at 255 bytes. */
  SpotloopDestination: 'Keyword',
} as const;

export type SearchAttributeName = keyof typeof searchAttributes;

export const searchAttributeNames = Object.keys(searchAttributes) as SearchAttributeName[];

/** Values for them. A total that is not known yet is left out. */
export type SearchAttributeValues = {
  readonly SpotloopState: string;
  readonly SpotloopTotal: number | null;
  readonly SpotloopSettled: number;
  readonly SpotloopFailed: number;
  readonly SpotloopDestination: string;
};

/** Each upsert is an event: the counts are written again when so much of the total has settled since. */
const worthwhileShare = 0.01;

/** Whether values differ enough from those written last to be worth an event. A hundred a run, and some for its phases. */
export function isUpsertDue(
  before: SearchAttributeValues | null,
  now: SearchAttributeValues,
): boolean {
  if (before === null || before.SpotloopState !== now.SpotloopState) return true;
  if (before.SpotloopTotal !== now.SpotloopTotal) return true;
  // That something fails is news.
  if (before.SpotloopFailed === 0 && now.SpotloopFailed > 0) return true;
  const settled = now.SpotloopSettled - before.SpotloopSettled;
  return settled > 0 && settled >= worthwhileShare * (now.SpotloopTotal ?? 0);
}

/** A keyword is a column of so many characters in the SQL databases that Temporal keeps its list in. */
const longestKeywordBytes = 255;

/** A text as a keyword's value: cut at its end where it is too long, and never within a character. */
export function keywordOf(text: string): string {
  const bytes = new TextEncoder().encode(text).subarray(0, longestKeywordBytes);
  // Of a stream, what is left of a character waits for the rest of it.
  return new TextDecoder().decode(bytes, { stream: true });
}
