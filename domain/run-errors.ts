/**
 * What items of a run failed with, as it tells whoever asks. A query answers from what is in the workflow's history, so this is
 * bounded for any list (I8, docs/decisions/0009-errors-in-the-history.md).
 */

/** Errors told: what a person reads. The rest is counted together; the report has all of them. */
export const errorsTold = 10;
/** Keys told of each: enough to look at. With the bounds of their lengths all of it is some 5 KB. */
export const examplesPerError = 3;
/** Where an example's key is cut: an address with its path, and far more than any id. */
const longestExample = 80;

/** An error that items ended with, without what differs from item to item. */
export type ErrorCount = {
  readonly message: string;
  readonly reason: 'permanent' | 'exhausted' | 'quarantined';
  /** Items that came with it; one that was stored after all stays counted. */
  readonly count: number;
  /** Keys of the first of them, long ones cut. */
  readonly examples: readonly string[];
};

/** The most frequent errors, and how many items came with any other. */
export type ErrorCounts = { readonly errors: readonly ErrorCount[]; readonly others: number };

export const noErrors: ErrorCounts = { errors: [], others: 0 };

/** What query `errors` answers. Public: fields are added, never renamed. */
export type RunErrors = ErrorCounts & {
  /** When it was true, ISO 8601; null before the first outcomes. */
  readonly asOf: string | null;
};

/** How many items came with an error. */
export function countErrors({
  errors,
  others,
}: {
  readonly errors: readonly Pick<ErrorCount, 'count'>[];
  readonly others: number;
}): number {
  return errors.reduce((sum, { count }) => sum + count, others);
}

/** A key as an example of an error. */
export function exampleOf(key: string): string {
  const text = key.length <= longestExample ? key : `${key.slice(0, longestExample - 1)}…`;
  return text.toWellFormed();
}
