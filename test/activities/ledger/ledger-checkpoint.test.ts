import { deepEqual, equal, match, rejects } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  decodeCheckpoint,
  encodeCheckpoint,
} from '../../../activities/ledger/ledger-checkpoint.ts';
import { LedgerState } from '../../../activities/ledger/ledger-state.ts';
import type { Outcome } from '../../../domain/outcome.ts';
import { damage, harms, spoiled } from '../../support/foreign.ts';
import { fuzz } from '../../support/fuzz.ts';
import { outcomeOf, stored } from './arbitrary-outcomes.ts';

const items = 8;
const snapshot = { total: items + 2, published: items, duplicates: 0, blankLines: 0 };

function stateOf(outcomes: readonly Outcome[]): LedgerState {
  const state = LedgerState.empty(snapshot);
  state.applyPart(outcomes);
  return state;
}

const header = {
  throughPart: 0,
  published: 2,
  counts: { stored: 1, skipped: 2, failed: 0, quarantined: 0 },
  storedBytes: 100,
  recent: [1],
};

function checkpointOf(text: string, codes: readonly number[]): Buffer {
  return gzipSync(Buffer.concat([Buffer.from(`${text}\n`), Buffer.from(codes)]));
}

describe('a checkpoint', () => {
  it('that is damaged is refused, or says what it said before', async () => {
    const right = fc.array(outcomeOf(items), { maxLength: 20 });
    await fuzz(
      fc.asyncProperty(right, harms, async (outcomes, befallen) => {
        const state = stateOf(outcomes);
        const bytes = damage(await encodeCheckpoint(state), befallen);
        const read = await decodeCheckpoint(bytes).catch((error: unknown) => error as Error);
        if (read instanceof Error) return;
        deepEqual(
          [read.totals, read.codes, read.nextPart],
          [state.totals, state.codes, state.nextPart],
        );
      }),
    );
  });

  it('never counts other outcomes than its codes do', async () => {
    const codes = fc.array(fc.nat(5), { minLength: 2, maxLength: 2 });
    await fuzz(
      fc.asyncProperty(spoiled(fc.constant(header)), codes, async (text, given) => {
        const read = await decodeCheckpoint(checkpointOf(text, given)).catch(() => null);
        if (read === null) return;
        const { stored: isStored, failed, quarantined } = read.totals.counts;
        equal([...read.unsettled()].length, given.filter((code) => code === 0).length);
        const expected = [1, 3, 4].map((kind) => given.filter((code) => code === kind).length);
        deepEqual([isStored, failed, quarantined], expected);
        deepEqual((await decodeCheckpoint(await encodeCheckpoint(read))).totals, read.totals);
      }),
    );
  });

  it('is refused when it would end a run early', async () => {
    const early = { ...header, counts: { ...header.counts, stored: 2 } };
    await rejects(
      decodeCheckpoint(checkpointOf(JSON.stringify(early), [1, 0])),
      /its counts are not/,
    );
    await rejects(
      decodeCheckpoint(checkpointOf(JSON.stringify(header), [1, 9])),
      /9 is no outcome/,
    );
  });

  it('holds more stored bytes than a whole number tells exactly', async () => {
    const state = stateOf(
      [0, 1].map((index) => stored(index, { sizeBytes: Number.MAX_SAFE_INTEGER })),
    );
    const read = await decodeCheckpoint(await encodeCheckpoint(state));
    equal(read.totals.storedBytes, 2 * Number.MAX_SAFE_INTEGER);
  });

  it('that swells beyond all bounds is refused before it has', async () => {
    // Gzip may be of many members, which makes this one quickly.
    const member = gzipSync(Buffer.alloc(1024 ** 2));
    const bomb = Buffer.concat(Array.from({ length: 300 }, () => member));
    await rejects(decodeCheckpoint(bomb), (error: Error) => {
      match(error.message, /larger than/);
      return true;
    });
  });
});
