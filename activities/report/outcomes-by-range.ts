import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeOutcome } from '../../domain/outcome.ts';
import type { Outcome } from '../../domain/outcome.ts';
import { shardOf } from '../../domain/snapshot.ts';
import { effectOf, outcomeCodes } from '../ledger/ledger-state.ts';

/** Lines are gathered to this much over all ranges before files are written, so memory stays flat however many there are. */
const maxGatheredLength = 8 * 1024 ** 2;

/**
 * The ledger's outcomes, sorted into index ranges of a shard each: they arrive in any order, and are read back one
 * range at a time. A run of one range stays in memory; more are spilled to temporary files.
 */
export class OutcomesByRange {
  readonly #ranges: number;
  readonly #only: Outcome[] = [];
  readonly #gathered = new Map<number, string>();
  #gatheredLength = 0;
  #folder: string | undefined;

  /** @param items how many items were published. */
  constructor(items: number) {
    this.#ranges = items === 0 ? 0 : shardOf(items - 1).shard + 1;
  }

  /** Takes outcomes in the ledger's order. */
  async add(outcomes: readonly Outcome[]): Promise<void> {
    for (const outcome of outcomes) {
      const range = shardOf(outcome.index).shard;
      if (range >= this.#ranges) continue;
      if (this.#ranges === 1) {
        this.#only.push(outcome);
        continue;
      }
      const line = `${encodeOutcome(outcome)}\n`;
      this.#gathered.set(range, (this.#gathered.get(range) ?? '') + line);
      this.#gatheredLength += line.length;
    }
    if (this.#gatheredLength >= maxGatheredLength) await this.#spill();
  }

  /** The outcomes that count, by their offset in the range. */
  async read(range: number): Promise<Map<number, Outcome>> {
    if (this.#ranges === 1) return settle(this.#only);
    await this.#spill();
    const text = await readFile(await this.#file(range), 'utf8').catch(emptyWhenAbsent);
    return settle(spilledOutcomes(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }

  async #spill(): Promise<void> {
    for (const [range, lines] of this.#gathered) await appendFile(await this.#file(range), lines);
    this.#gathered.clear();
    this.#gatheredLength = 0;
  }

  async #file(range: number): Promise<string> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'spotloop-report-'));
    return join(this.#folder, `${range}.jsonl`);
  }
}

/** Our own lines, checked when they were read from the ledger; one at a time, for a range's objects are enough to hold. */
function* spilledOutcomes(text: string): Generator<Outcome> {
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
    yield JSON.parse(text.slice(start, end)) as Outcome;
    start = end + 1;
  }
}

/** The same rule as the ledger's: `stored` beats any other, else the first counts. */
function settle(outcomes: Iterable<Outcome>): Map<number, Outcome> {
  const settled = new Map<number, Outcome>();
  for (const outcome of outcomes) {
    const { offset } = shardOf(outcome.index);
    const before = settled.get(offset);
    const code = before === undefined ? outcomeCodes.unsettled : outcomeCodes[before.kind];
    const effect = effectOf(code, outcome.kind);
    if (effect === 'settles' || effect === 'corrects') settled.set(offset, outcome);
  }
  return settled;
}

/** No outcome fell into the range. */
function emptyWhenAbsent(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}
