import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  completionsFor,
  countWanted,
  parseIndexes,
} from '../../../../activities/fleets/kubernetes/completed-indexes.ts';

/** As the Job controller writes a set of indices. */
function write(indices: ReadonlySet<number>): string {
  const parts: string[] = [];
  for (const first of [...indices].toSorted((a, b) => a - b)) {
    if (indices.has(first - 1)) continue;
    let last = first;
    while (indices.has(last + 1)) last += 1;
    parts.push(first === last ? String(first) : `${first}-${last}`);
  }
  return parts.join(',');
}

describe('completed indexes', () => {
  it('are read as the Job controller writes them', () => {
    deepEqual(parseIndexes(undefined), []);
    deepEqual(parseIndexes(''), []);
    deepEqual(parseIndexes('1,3-5,7'), [
      { first: 1, last: 1 },
      { first: 3, last: 5 },
      { first: 7, last: 7 },
    ]);
  });

  it('are stepped over: 2 of {0, 2, 3} done make four live with seven completions', () => {
    equal(completionsFor(4, parseIndexes('0,2-3')), 7);
    equal(completionsFor(1, parseIndexes('0,2-3')), 2);
    equal(completionsFor(3, parseIndexes('5-9')), 3);
  });

  it('leave fewer to live where the API server takes no more', () => {
    equal(completionsFor(10, parseIndexes('0-99994')), 100_000);
  });

  it('leave exactly as many live as asked for, with the fewest completions', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 50 })),
        (wanted, indices) => {
          const done = parseIndexes(write(new Set(indices)));
          const completions = completionsFor(wanted, done);
          equal(countWanted(completions, done), wanted);
          equal(countWanted(completions - 1, done), wanted - 1, 'the last index is a live one');
        },
      ),
    );
  });
});
