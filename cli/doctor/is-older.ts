/** Compares versions number by number: "1.9" is older than "1.25.0". What holds no numbers is not known to be older. */
export function isOlder(version: string, than: string): boolean {
  const numbers = numbersOf(version);
  if (numbers.length === 0) return false;
  for (const [place, wanted] of numbersOf(than).entries()) {
    const has = numbers[place] ?? 0;
    if (has !== wanted) return has < wanted;
  }
  return false;
}

/** "v1.34.1+k3s1" → [1, 34, 1]. */
function numbersOf(version: string): number[] {
  const [text = ''] = /\d+(\.\d+)*/.exec(version) ?? [];
  return text === '' ? [] : text.split('.').map(Number);
}
