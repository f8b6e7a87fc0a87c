import type { Outcome } from '../../domain/outcome.ts';
import { countErrors, errorsTold, examplesPerError } from '../../domain/run-errors.ts';
import type { ErrorCount } from '../../domain/run-errors.ts';
import { shortText } from '../../domain/short-text.ts';
import { withoutNumbers } from '../report/frequent-errors.ts';

/** Errors told apart. Several times those told, so that one that comes late can still rise. */
export const maxTallied = 64;

/** As {@link ErrorCount}, with the indices of its examples: a ledger knows no keys. */
export type TalliedError = Omit<ErrorCount, 'examples'> & { readonly examples: readonly number[] };

/** What a checkpoint holds of a tally. */
export type ErrorTotals = { readonly errors: readonly TalliedError[]; readonly others: number };

/** A quarantined item leaves no word. */
const quarantinedMessage = 'its downloaders died while they worked on it';

/**
 * Counts what items failed with, as far as it can be told without their keys, with bounded memory. As all of the ledger, a
 * pure fold over outcomes: who reads it again comes to the same.
 */
export class ErrorTally {
  readonly #tallied = new Map<string, { -readonly [K in keyof TalliedError]: TalliedError[K] }>();
  #others: number;

  constructor({ errors, others }: ErrorTotals) {
    for (const error of errors) this.#tallied.set(idOf(error), { ...error });
    this.#others = others;
  }

  /** In the order in which they first came. */
  get totals(): ErrorTotals {
    return { errors: [...this.#tallied.values()].map((one) => ({ ...one })), others: this.#others };
  }

  /** Takes in an outcome that counts; one without an error changes nothing. */
  add(outcome: Outcome): void {
    if (outcome.kind !== 'failed' && outcome.kind !== 'quarantined') return;
    const error =
      outcome.kind === 'failed'
        ? { message: messageOf(outcome.error), reason: outcome.reason }
        : { message: quarantinedMessage, reason: outcome.kind };
    const id = idOf(error);
    const tallied = this.#tallied.get(id);
    if (tallied !== undefined) {
      tallied.count += 1;
      if (tallied.examples.length < examplesPerError) {
        tallied.examples = [...tallied.examples, outcome.index];
      }
    } else if (this.#hasRoom()) {
      this.#tallied.set(id, { ...error, count: 1, examples: [outcome.index] });
    } else {
      this.#others += 1;
    }
  }

  /** The most frequent ones first, and how many items came with any other. */
  top(): ErrorTotals {
    const all = [...this.#tallied.values()].toSorted((a, b) => b.count - a.count);
    const others = countErrors({ errors: all.slice(errorsTold), others: this.#others });
    return { errors: all.slice(0, errorsTold), others };
  }

  /** Where all places are taken, the oldest of those that came once gives way: texts that are never the same keep no other out. */
  #hasRoom(): boolean {
    if (this.#tallied.size < maxTallied) return true;
    for (const [id, { count }] of this.#tallied) {
      if (count > 1) continue;
      this.#tallied.delete(id);
      this.#others += 1;
      return true;
    }
    return false;
  }
}

function idOf({ reason, message }: Pick<ErrorCount, 'reason' | 'message'>): string {
  return `${reason} ${message}`;
}

/**
 * An error's text without what differs from item to item. Its key is known from where programs put it only: yt-dlp behind
 * the extractor's name, all of them in addresses.
 */
function messageOf(error: string): string {
  const line = error.split('\n', 1)[0] ?? '';
  const text = withoutNumbers(
    line
      .replace(/^((?:\w+: )?\[[^\]]*\]) .*?: /, '$1 {key}: ')
      .replaceAll(/\bhttps?:\/\/\S*[^\s:;,.)"']/gi, '{address}'),
  );
  return shortText(text).toWellFormed();
}
