/** A reason in a sentence: two lines of the Web UI. The whole of it is in the history. */
const longestReason = 200;

/** One line of at most 200 characters: what other programs say runs over lines and is longer than a sentence bears. */
export function shortText(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  return line.length <= longestReason ? line : `${line.slice(0, longestReason - 1).trimEnd()}…`;
}
