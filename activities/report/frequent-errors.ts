import { encodeKey } from '../../domain/object-name.ts';

/** Messages told apart; normalised ones are some dozens. What comes after them is counted as other. */
const maxMessages = 1_000;
/** Examples a message: enough to look at, few enough to read. */
const maxExamples = 3;
/** A shorter key is a part of many words: it is not looked for. */
const shortestKeyLookedFor = 3;

/** A message that items failed with. */
export type FrequentError = {
  readonly message: string;
  readonly reason: string;
  readonly count: number;
  /** Keys of the first items that failed with it. */
  readonly examples: readonly string[];
};

/**
 * An error's text without what differs from item to item: the key, long numbers, ids and addresses. Short numbers
 * stay, for 404 and 403 are two errors.
 */
export function normaliseError(error: string, key: string): string {
  const text = error.split('\n', 1)[0] ?? '';
  return withoutNumbers(
    [key, encodeKey(key)].reduce(
      (rest, name) => (name.length < shortestKeyLookedFor ? rest : rest.replaceAll(name, '{key}')),
      text,
    ),
  );
}

/** A text without long numbers, ids and network addresses. Short numbers stay. */
export function withoutNumbers(text: string): string {
  return text
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi, '{id}')
    .replaceAll(/\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b/gi, '{id}')
    .replaceAll(/\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b/g, '{address}')
    .replaceAll(/\b\d+\.\d+\b|\b\d{4,}\b/g, '{n}')
    .trim();
}

/** Counts errors by their normalised text, with bounded memory. */
export class FrequentErrors {
  readonly #counted = new Map<string, { -readonly [K in keyof FrequentError]: FrequentError[K] }>();
  /** Errors beyond the {@link maxMessages} that are told apart. */
  others = 0;

  add(key: string, reason: string, error: string): void {
    const message = normaliseError(error, key);
    const id = `${reason} ${message}`;
    const counted = this.#counted.get(id);
    if (counted !== undefined) {
      counted.count += 1;
      if (counted.examples.length < maxExamples) counted.examples = [...counted.examples, key];
    } else if (this.#counted.size < maxMessages) {
      this.#counted.set(id, { message, reason, count: 1, examples: [key] });
    } else {
      this.others += 1;
    }
  }

  /** How many messages are told apart. */
  get kinds(): number {
    return this.#counted.size;
  }

  /** The most frequent ones first. */
  top(count: number): FrequentError[] {
    return [...this.#counted.values()].toSorted((a, b) => b.count - a.count).slice(0, count);
  }
}
