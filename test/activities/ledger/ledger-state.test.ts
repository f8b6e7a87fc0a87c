import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeCheckpoint,
  encodeCheckpoint,
} from '../../../activities/ledger/ledger-checkpoint.ts';
import { LedgerState } from '../../../activities/ledger/ledger-state.ts';
import { outcomeWindow } from '../../../domain/sample.ts';
import type { Outcome, OutcomeKind } from '../../../domain/outcome.ts';
import { failed, outcomeOf, stored } from './arbitrary-outcomes.ts';

const items = 12;
const snapshot = { total: items + 3, published: items, duplicates: 0, blankLines: 0 };
const outcomes = fc.array(outcomeOf(items), { maxLength: 60 });

/** The rule in its shortest form, to hold the ledger against. */
function model(given: readonly Outcome[]) {
  const counting = new Map<number, Outcome>();
  for (const outcome of given) {
    const before = counting.get(outcome.index);
    const isNews = before === undefined || (outcome.kind === 'stored' && before.kind !== 'stored');
    if (outcome.index < items && isNews) counting.set(outcome.index, outcome);
  }
  const count = (kind: OutcomeKind) =>
    [...counting.values()].filter((outcome) => outcome.kind === kind).length;
  return {
    counts: {
      stored: count('stored'),
      skipped: 3 + count('skipped'),
      failed: count('failed'),
      quarantined: count('quarantined'),
    },
    storedBytes: [...counting.values()].reduce(
      (sum, outcome) => sum + (outcome.kind === 'stored' ? outcome.sizeBytes : 0),
      0,
    ),
  };
}

function replay(given: readonly Outcome[]): LedgerState {
  const state = LedgerState.empty(snapshot);
  for (const outcome of given) state.apply(outcome);
  return state;
}

test('stored beats any other outcome, and otherwise the first counts, in any order', () => {
  fc.assert(
    fc.property(outcomes, (given) => {
      const { counts, storedBytes } = replay(given).totals;
      deepEqual({ counts, storedBytes }, model(given));
    }),
  );
});

test('what is left unsettled and what is settled make up the list', () => {
  fc.assert(
    fc.property(outcomes, (given) => {
      const state = replay(given);
      equal(state.settled + [...state.unsettled()].length, snapshot.total);
    }),
  );
});

test('parts that hold news only say the same as all outcomes do', () => {
  fc.assert(
    fc.property(fc.array(outcomes, { maxLength: 5 }), (batches) => {
      const state = LedgerState.empty(snapshot);
      for (const batch of batches) {
        const { news, outOfRange } = state.selectNews(batch);
        equal(outOfRange, batch.filter(({ index }) => index >= items).length);
        state.applyPart(news);
        equal(state.selectNews(batch).news.length, 0);
      }
      deepEqual(state.totals, replay(batches.flat()).totals);
      deepEqual(state.codes, replay(batches.flat()).codes);
    }),
  );
});

test('going on from a checkpoint says the same as a replay of all', async () => {
  await fc.assert(
    fc.asyncProperty(outcomes, outcomes, async (before, after) => {
      const whole = LedgerState.empty(snapshot);
      whole.applyPart(before);
      const resumed = await decodeCheckpoint(await encodeCheckpoint(whole));
      whole.applyPart(after);
      resumed.applyPart(after);
      deepEqual(resumed.totals, whole.totals);
      deepEqual(resumed.codes, whole.codes);
      equal(resumed.nextPart, whole.nextPart);
    }),
    { numRuns: 50 },
  );
});

test('the recent window holds the last outcomes that were news', () => {
  const many = outcomeWindow + 100;
  const state = LedgerState.empty({ ...snapshot, total: many, published: many });
  for (let index = 0; index < many; index += 1) {
    state.apply(index < 150 ? failed(index) : stored(index));
    state.apply(failed(0));
  }
  equal(state.totals.recent.length, outcomeWindow);
});

test('the worst window is that with the most failures of all, wherever it was', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ count: fc.nat(700), fails: fc.boolean() }), { maxLength: 6 }),
      (stretches) => {
        const failures = stretches.flatMap(({ count, fails }) => Array<boolean>(count).fill(fails));
        const published = Math.max(1, failures.length);
        const state = LedgerState.empty({ ...snapshot, total: published, published });
        for (const [index, fails] of failures.entries()) {
          state.apply(fails ? failed(index) : stored(index));
        }
        const length = Math.min(outcomeWindow, failures.length);
        let worst = 0;
        for (let from = 0; from + length <= failures.length; from += 1) {
          const inWindow = failures.slice(from, from + length).filter(Boolean).length;
          worst = Math.max(worst, inWindow);
        }
        deepEqual(state.worst, { outcomes: length, failed: worst });
      },
    ),
    { numRuns: 30 },
  );
});
