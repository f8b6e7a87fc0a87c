import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import { FrequentErrors, normaliseError } from '../../../activities/report/frequent-errors.ts';

test('an error is known by what it shares with others', () => {
  const cases: [string, string, string][] = [
    [
      'ERROR: [youtube] dQw4w9WgXcQ: Video unavailable',
      'dQw4w9WgXcQ',
      'ERROR: [youtube] {key}: Video unavailable',
    ],
    ['HTTP Error 404: Not Found', 'x', 'HTTP Error 404: Not Found'],
    ['GET https://a.b/a%20c: 503', 'a c', 'GET https://a.b/{key}: 503'],
    ['timed out after 12.25 s', 'k', 'timed out after {n} s'],
    ['connect ECONNREFUSED 10.0.0.17:443', 'k', 'connect ECONNREFUSED {address}'],
    ['request 0198a1b2-aaaa-7bbb-8ccc-0123456789ab failed', 'k', 'request {id} failed'],
    ['first line\nsecond line', 'k', 'first line'],
    ['', 'k', ''],
  ];
  for (const [error, key, expected] of cases) equal(normaliseError(error, key), expected);
});

test('counts the most frequent first, and keeps the first keys as examples', () => {
  const errors = new FrequentErrors();
  errors.add('once', 'permanent', 'rare');
  for (const key of ['k01', 'k02', 'k03', 'k04']) errors.add(key, 'exhausted', `${key} broke`);
  deepEqual(errors.top(1), [
    { message: '{key} broke', reason: 'exhausted', count: 4, examples: ['k01', 'k02', 'k03'] },
  ]);
  equal(errors.kinds, 2);
});

test('memory is bounded: errors beyond a thousand kinds are counted together', () => {
  const errors = new FrequentErrors();
  for (let n = 0; n < 1_500; n += 1)
    errors.add('key', 'permanent', `error x${String.fromCodePoint(0x4e00 + n)}`);
  equal(errors.kinds, 1_000);
  equal(errors.others, 500);
});
