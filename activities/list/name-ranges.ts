/**
 * Splits the names under a prefix so that several requests can list them at once, without knowing them: who is idle takes the upper half
 * of what a busy one probably has left. Bounds are texts between names; they need not be names.
 */

/** A part of the names that somebody lists: those from `from` on that are before `to`. */
export type NameRange = {
  readonly from: string;
  /** Absent at the end of all names. Moves down when the upper half is given away. */
  to: string | undefined;
  /** The last name that was listed; at first where it begins. */
  seen: string;
  pages: number;
};

/** What the names of items are made of (`encodeKey`), in the order of their bytes. Other names only make a split less even. */
const digits = '%-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~';

/** So many digits behind what two bounds have in common tell them apart; more would not fit into a number. */
const digitsCompared = 8;

/** Fewer pages than this are not worth a request more. */
const leastPagesLeft = 2;

/** A range that nobody has listed anything of. */
export function nameRange(from: string, to: string | undefined): NameRange {
  return { from, to, seen: from, pages: 0 };
}

/** Takes the upper half of what is left of the longest range, and gives it back; null when none is worth it. */
export function takeHalf(ranges: Iterable<NameRange>, prefix: string): NameRange | null {
  let longest: NameRange | null = null;
  let most = leastPagesLeft;
  for (const range of ranges) {
    const left = pagesLeft(range, prefix);
    if (left >= most && middleOf(range, prefix) !== null) [longest, most] = [range, left];
  }
  if (longest === null) return null;
  const half = nameRange(middleOf(longest, prefix) ?? '', longest.to);
  longest.to = half.from;
  return half;
}

/** Were names spread evenly: as many pages as were listed, for each part as wide as they were. None before the first page. */
function pagesLeft(range: NameRange, prefix: string): number {
  if (range.pages === 0) return 0;
  const { from, seen, to } = placesOf(range, prefix);
  return (range.pages * (to - seen)) / Math.max(seen - from, 1);
}

/** A text between what was listed and the end; null when there is none. */
function middleOf(range: NameRange, prefix: string): string | null {
  const { common, seen, to } = placesOf(range, prefix);
  const middle = common + textOf(Math.floor((seen + to) / 2));
  return middle > range.seen && (range.to === undefined || middle < range.to) ? middle : null;
}

/** Bounds as numbers: their digits behind what they have in common. */
function placesOf({ from, seen, to }: NameRange, prefix: string) {
  const top = to ?? prefix + digits.at(-1)!.repeat(digitsCompared);
  let length = prefix.length;
  while (length < seen.length && seen[length] === top[length]) length += 1;
  const common = seen.slice(0, length);
  const placeOf = (text: string) => (text < common ? 0 : numberOf(text.slice(length)));
  return { common, from: placeOf(from), seen: placeOf(seen), to: placeOf(top) };
}

function numberOf(text: string): number {
  let value = 0;
  for (let at = 0; at < digitsCompared; at += 1) {
    value = value * digits.length + digitOf(text[at]);
  }
  return value;
}

/** The greatest digit that is not above the character. */
function digitOf(character: string | undefined): number {
  if (character === undefined) return 0;
  let digit = digits.length - 1;
  while (digit > 0 && digits[digit]! > character) digit -= 1;
  return digit;
}

function textOf(value: number): string {
  let [text, rest] = ['', value];
  for (let at = 0; at < digitsCompared; at += 1) {
    text = digits[rest % digits.length]! + text;
    rest = Math.floor(rest / digits.length);
  }
  return text;
}
