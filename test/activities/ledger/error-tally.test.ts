import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorTally, maxTallied } from '../../../activities/ledger/error-tally.ts';
import { countErrors, errorsTold, exampleOf } from '../../../domain/run-errors.ts';
import { failed, stored } from './arbitrary-outcomes.ts';

const empty = () => new ErrorTally({ errors: [], others: 0 });

/** What a tally calls one error's text. */
function messageOf(error: string): string | undefined {
  const tally = empty();
  tally.add(failed(0, error));
  return tally.top().errors[0]?.message;
}

test('an error is known by what it shares with others, though nobody says its key', () => {
  const cases: [string, string][] = [
    ['[youtube] dQw4w9WgXcQ: Video unavailable', '[youtube] {key}: Video unavailable'],
    ['ERROR: [generic] a b: c: no formats', 'ERROR: [generic] {key}: c: no formats'],
    ['[youtube:tab] PL0: gone', '[youtube:tab] {key}: gone'],
    ['HTTP 404 of https://h/some-key', 'HTTP 404 of {address}'],
    ['GET https://a.b/x: 503', 'GET {address}: 503'],
    ['timed out after 12.25 s', 'timed out after {n} s'],
    ['first line\nsecond line', 'first line'],
  ];
  for (const [error, expected] of cases) equal(messageOf(error), expected);
});

test('tells the most frequent first, with the first items that came with each', () => {
  const tally = empty();
  tally.add(failed(0, 'rare'));
  for (const index of [3, 1, 4, 5]) tally.add(failed(index, `[site] k${index}: broke`));
  tally.add(stored(6));
  tally.add({ kind: 'quarantined', index: 7, attempts: 0, seconds: 1, atMs: 1, deaths: 5 });
  const { errors, others } = tally.top();
  deepEqual(
    errors.map(({ message, count, examples }) => [message, count, examples]),
    [
      ['[site] {key}: broke', 4, [3, 1, 4]],
      ['rare', 1, [0]],
      ['its downloaders died while they worked on it', 1, [7]],
    ],
  );
  equal(others, 0);
});

test('texts that are never the same keep no frequent one out, and all are counted', () => {
  const tally = empty();
  const texts = 1_000;
  for (let n = 0; n < texts; n += 1) tally.add(failed(n, `x${String.fromCodePoint(0x4e00 + n)}`));
  for (let n = 0; n < 5; n += 1) tally.add(failed(texts + n, 'late and often'));
  equal(tally.totals.errors.length, maxTallied);
  const top = tally.top();
  equal(top.errors.length, errorsTold);
  equal(top.errors[0]?.message, 'late and often');
  equal(top.errors[0]?.count, 5);
  equal(countErrors(top), texts + 5);
  deepEqual(new ErrorTally(tally.totals).top(), top);
});

test('a long key is cut, and never within a character', () => {
  equal(exampleOf('abc'), 'abc');
  equal(exampleOf('😀'.repeat(1_000)).length, 80);
  equal(exampleOf(`a${'😀'.repeat(100)}`).isWellFormed(), true);
});
