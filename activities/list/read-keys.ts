import { ApplicationFailure } from '@temporalio/activity';
import { decodeListLine, nameCheck, readListLine } from '../../domain/list-line.ts';
import type { ListLine, NameLimits } from '../../domain/list-line.ts';
import { listedPage } from '../../domain/list-address.ts';
import type { ListedAs } from '../../domain/list-address.ts';
import { objectName } from '../../domain/object-name.ts';
import { describeError } from '../cloud-error.ts';
import { linesOf } from './lines.ts';
import { inList } from './name-table.ts';
import type { NameTable } from './name-table.ts';
import { ListUnreadable } from './list-unreadable.ts';
import { openList } from './open-list.ts';
import type { ListDeps } from './open-list.ts';

/** Wrong lines that a message names; a person corrects the cause after a few. */
export const mostProblemsNamed = 20;

/** A list that sends nothing for this long has broken off without saying so: no storage pauses a minute. */
const stallMs = 60_000;

/** What was read so far. */
export type Tally = {
  lines: number;
  blankLines: number;
  duplicates: number;
  unique: number;
  /** All wrong lines; the first {@link mostProblemsNamed} of them in words, each with its number. */
  wrongLines: number;
  readonly problems: string[];
};

export type KeyReading = {
  readonly items: string | readonly string[];
  /** What of a page's entries is a key, where the list is a page. */
  readonly listedAs: ListedAs;
  readonly names: NameLimits;
  /** Unique keys to stop after. */
  readonly limit: number;
  /** Remembers the object name of every key. */
  readonly table: NameTable;
  readonly tally: Tally;
  readonly signal: AbortSignal;
};

/**
 * Reads the keys of a list in its order, each once, some thousand at a time. Wrong lines are in the tally, not
 * thrown, so that all of them are found in one go. Stops at the limit: what follows is neither read nor checked.
 */
export async function* readKeys(deps: ListDeps, reading: KeyReading): AsyncGenerator<string[]> {
  const { tally, limit } = reading;
  const take = keyTaker(reading);
  for await (const lines of batchesOf(deps, reading)) {
    const keys: string[] = [];
    for (const line of lines) {
      const key = take(line);
      if (key !== null) keys.push(key);
      if (tally.unique === limit) break;
    }
    yield keys;
    if (tally.unique === limit) return;
  }
}

/** Makes the function that counts one line and gives back its key when that is new and right. */
function keyTaker({ names, table, tally, items }: KeyReading): (line: ListLine) => string | null {
  const problemOf = nameCheck(names);
  const place = typeof items === 'string' ? 'line' : 'item';
  const refuse = (problem: string) => {
    tally.wrongLines += 1;
    if (tally.problems.length < mostProblemsNamed) {
      tally.problems.push(`${place} ${tally.lines}: ${problem}`);
    }
    return null;
  };
  return (line) => {
    tally.lines += 1;
    if (line.kind === 'problem') return refuse(line.problem);
    if (line.kind === 'blank') {
      tally.blankLines += 1;
      return null;
    }
    const problem = problemOf(line.key);
    if (problem !== null) return refuse(problem);
    const before = table.mark(objectName(names.prefix, line.key, names.extension), inList);
    if ((before & inList) !== 0) {
      tally.duplicates += 1;
      return null;
    }
    tally.unique += 1;
    return line.key;
  };
}

async function* batchesOf(deps: ListDeps, reading: KeyReading): AsyncGenerator<ListLine[]> {
  const { items, listedAs, signal } = reading;
  if (typeof items !== 'string') {
    yield items.map(readListLine);
    return;
  }
  const stalled = new AbortController();
  const stall = () => stalled.abort(new Error(`nothing came for ${stallMs / 1000} s`));
  // yt-dlp's own limit is another: it may ask a site several times before it has a word to say.
  const listen = () => (listedPage(items) === null ? setTimeout(stall, stallMs) : undefined);
  let timer = listen();
  try {
    const source = { address: items, listedAs };
    const chunks = await openList(deps, source, AbortSignal.any([signal, stalled.signal]));
    for await (const lines of linesOf(chunks)) {
      // Whoever takes the lines may list a destination of millions before it wants more: that is not the list's time.
      clearTimeout(timer);
      yield lines.map(decodeListLine);
      timer = listen();
    }
  } catch (error) {
    signal.throwIfAborted();
    // It says itself when it is to be tried again.
    if (error instanceof ListUnreadable || error instanceof ApplicationFailure) throw error;
    const reason: unknown = stalled.signal.aborted ? stalled.signal.reason : error;
    throw new Error(`read list ${items}: ${describeError(reason)} — it is tried again`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}
