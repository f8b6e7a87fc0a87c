import { equal } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isUpsertDue, keywordOf } from '../../domain/search-attributes.ts';
import type { SearchAttributeValues } from '../../domain/search-attributes.ts';

const values: SearchAttributeValues = {
  SpotloopState: 'downloading',
  SpotloopTotal: 1_000,
  SpotloopSettled: 100,
  SpotloopFailed: 1,
  SpotloopDestination: 'gs://b/v/',
};

describe('search attributes', () => {
  it('are written again for another state, a total, a first failure, and a hundredth of the list', () => {
    const isDue = (more: Partial<SearchAttributeValues>) =>
      isUpsertDue(values, { ...values, ...more });
    equal(isUpsertDue(null, values), true);
    equal(isDue({}), false);
    equal(isDue({ SpotloopState: 'paused' }), true);
    equal(isDue({ SpotloopSettled: 109 }), false);
    equal(isDue({ SpotloopSettled: 110 }), true);
    equal(isDue({ SpotloopFailed: 2 }), false);
    equal(isUpsertDue({ ...values, SpotloopFailed: 0 }, values), true);
    equal(isUpsertDue({ ...values, SpotloopTotal: null }, values), true);
  });

  it('are some hundred events of a run, however long its list and its slices', () => {
    let before: SearchAttributeValues | null = null;
    let written = 0;
    for (let settled = 0; settled <= 100_000; settled += 7) {
      const now = { ...values, SpotloopTotal: 100_000, SpotloopSettled: settled };
      if (!isUpsertDue(before, now)) continue;
      before = now;
      written += 1;
    }
    equal(written, 100);
  });

  it('have room for the beginning of a long place, to a whole character', () => {
    equal(keywordOf('gs://b/v/'), 'gs://b/v/');
    equal(keywordOf('a'.repeat(300)), 'a'.repeat(255));
    equal(keywordOf(`ab${'é'.repeat(200)}`), `ab${'é'.repeat(126)}`);
  });
});
