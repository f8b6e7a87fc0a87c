/**
 * Indices of an Indexed Job that are done: they never come back. To have n downloaders live, completions must be the number
 * below which exactly n indices are not done (design.md, "The Job").
 */

/** A closed range of indices. */
type Range = { readonly first: number; readonly last: number };

/** Reads `.status.completedIndexes`, such as "1,3-5,7": kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode */
export function parseIndexes(text: string | undefined): readonly Range[] {
  if (text === undefined || text === '') return [];
  return text.split(',').map((part) => {
    const [first = '', last = first] = part.split('-');
    return { first: Number(first), last: Number(last) };
  });
}

/** How many of the indices below `completions` are not done. */
export function countWanted(completions: number, done: readonly Range[]): number {
  const below = done.map(({ first, last }) => Math.max(0, Math.min(last + 1, completions) - first));
  return completions - below.reduce((sum, count) => sum + count, 0);
}

/** The API server takes no more. With all of these done, the next generation begins at 0 again. */
const maxCompletions = 100_000;

/** The least number of completions with which so many indices are not done; at the limit, as many as there can be. */
export function completionsFor(wanted: number, done: readonly Range[]): number {
  let completions = wanted;
  // In ascending order, as the Job controller writes them: each one that lies below moves the end on.
  for (const { first, last } of done) {
    if (first >= completions) break;
    completions += last - first + 1;
  }
  return Math.min(completions, maxCompletions);
}
