import type { Counts } from '../../domain/counts.ts';
import { firstCounts, settledOf } from '../../domain/counts.ts';
import type { Outcome, OutcomeKind } from '../../domain/outcome.ts';
import { outcomeWindow } from '../../domain/sample.ts';
import type { Sample } from '../../domain/sample.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import { ErrorTally } from './error-tally.ts';
import type { ErrorTotals } from './error-tally.ts';

/**
 * One byte an index, as memory and checkpoints hold it. The numbers are stored: one may be added, none changed.
 */
export const outcomeCodes = { unsettled: 0, stored: 1, skipped: 2, failed: 3, quarantined: 4 };

const kindOfCode: readonly (OutcomeKind | undefined)[] = [
  undefined,
  'stored',
  'skipped',
  'failed',
  'quarantined',
];

/** What an outcome does to the ledger: only `settles` and `corrects` change it. */
export type Effect = 'settles' | 'corrects' | 'duplicate' | 'out-of-range';

/** How a later outcome meets an earlier code (see {@link Outcome}): `stored` beats any other, else the first counts. */
export function effectOf(code: number | undefined, kind: OutcomeKind): Effect {
  if (code === undefined) return 'out-of-range';
  if (code === outcomeCodes.unsettled) return 'settles';
  return kind === 'stored' && code !== outcomeCodes.stored ? 'corrects' : 'duplicate';
}

/** What a checkpoint holds of a state besides the codes. */
export type LedgerTotals = {
  readonly counts: Counts;
  readonly storedBytes: number;
  /** Codes of the last {@link outcomeWindow} outcomes that changed the ledger, oldest first. */
  readonly recent: readonly number[];
  /** Most failures that any {@link outcomeWindow} of them held, one behind the other; 0 before so many came. */
  readonly worstFailed: number;
  /** What items failed with. */
  readonly failures: ErrorTotals;
};

/**
 * What the parts of a run's ledger add up to: a pure fold over outcomes, apart from all I/O. It holds one byte an
 * item that was published, so ten million items are 10 MB.
 */
export class LedgerState {
  readonly codes: Uint8Array;
  /** The part that comes next: all before it are applied. */
  nextPart = 0;
  /** What a restart would have to replay if it came now. */
  sinceCheckpoint = { outcomes: 0, parts: 0 };
  readonly #counts: { -readonly [K in keyof Counts]: Counts[K] };
  #storedBytes: number;
  readonly #recent: number[];
  /** Failures among the recent ones. */
  #recentFailed: number;
  #worstFailed: number;
  readonly failures: ErrorTally;

  constructor(codes: Uint8Array, totals: LedgerTotals) {
    this.codes = codes;
    this.#counts = { ...totals.counts };
    this.#storedBytes = totals.storedBytes;
    this.#recent = [...totals.recent];
    this.#recentFailed = totals.recent.filter(isFailure).length;
    this.#worstFailed = totals.worstFailed;
    this.failures = new ErrorTally(totals.failures);
  }

  /** The state before the first part. */
  static empty(snapshot: Pick<Snapshot, 'total' | 'published' | 'gone'>): LedgerState {
    return new LedgerState(new Uint8Array(snapshot.published), {
      counts: firstCounts(snapshot),
      storedBytes: 0,
      recent: [],
      worstFailed: 0,
      failures: { errors: [], others: 0 },
    });
  }

  get totals(): LedgerTotals {
    return {
      counts: { ...this.#counts },
      storedBytes: this.#storedBytes,
      recent: [...this.#recent],
      worstFailed: this.#worstFailed,
      failures: this.failures.totals,
    };
  }

  /** The window of outcomes with the most failures, as a {@link Sample} has it. */
  get worst(): Sample['recent'] {
    const outcomes = this.#recent.length;
    const failed = outcomes < outcomeWindow ? this.#recentFailed : this.#worstFailed;
    return { outcomes, failed };
  }

  get settled(): number {
    return settledOf(this.#counts);
  }

  apply(outcome: Outcome): Effect {
    const code = this.codes[outcome.index];
    const effect = effectOf(code, outcome.kind);
    if (effect === 'duplicate' || effect === 'out-of-range') return effect;
    const before = kindOfCode[code ?? outcomeCodes.unsettled];
    if (before !== undefined) this.#counts[before] -= 1;
    this.#counts[outcome.kind] += 1;
    if (outcome.kind === 'stored') this.#storedBytes += outcome.sizeBytes;
    this.codes[outcome.index] = outcomeCodes[outcome.kind];
    this.#moveWindow(outcomeCodes[outcome.kind]);
    this.failures.add(outcome);
    return effect;
  }

  #moveWindow(code: number): void {
    this.#recent.push(code);
    if (isFailure(code)) this.#recentFailed += 1;
    if (this.#recent.length > outcomeWindow && isFailure(this.#recent.shift())) {
      this.#recentFailed -= 1;
    }
    if (this.#recent.length === outcomeWindow) {
      this.#worstFailed = Math.max(this.#worstFailed, this.#recentFailed);
    }
  }

  /** Applies a whole part, in its order. */
  applyPart(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) this.apply(outcome);
    this.nextPart += 1;
    this.sinceCheckpoint.outcomes += outcomes.length;
    this.sinceCheckpoint.parts += 1;
  }

  /**
   * Those of the outcomes that would change this state if they were applied in order, so that a part holds news only.
   * Indices that this run doesn't have are counted apart.
   */
  selectNews(outcomes: readonly Outcome[]): { news: Outcome[]; outOfRange: number } {
    const codesHere = new Map<number, number>();
    const news: Outcome[] = [];
    let outOfRange = 0;
    for (const outcome of outcomes) {
      const code = codesHere.get(outcome.index) ?? this.codes[outcome.index];
      const effect = effectOf(code, outcome.kind);
      if (effect === 'out-of-range') outOfRange += 1;
      if (effect !== 'settles' && effect !== 'corrects') continue;
      codesHere.set(outcome.index, outcomeCodes[outcome.kind]);
      news.push(outcome);
    }
    return { news, outOfRange };
  }

  /** Indices without outcome, in ascending order. */
  *unsettled(): Generator<number> {
    for (let index = 0; index < this.codes.length; index += 1) {
      if (this.codes[index] === outcomeCodes.unsettled) yield index;
    }
  }
}

function isFailure(code: number | undefined): boolean {
  return code === outcomeCodes.failed || code === outcomeCodes.quarantined;
}
