import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeBeat, encodeBeat } from '../../domain/beat.ts';
import { deathsOf, decodeItem, encodeItem, suspectOf } from '../../domain/item.ts';
import { decodeOutcomes, encodeOutcome, maxErrorLength } from '../../domain/outcome.ts';
import type { Outcome } from '../../domain/outcome.ts';

const base = { index: 7, attempts: 1, seconds: 0.5, atMs: 1 };

describe('item message', () => {
  it('comes back as it was sent', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.string({ minLength: 1, unit: 'grapheme' }),
        fc.nat(99),
        (index, key, deaths) => {
          const item =
            deaths === 0 ? { index, key, deaths } : { index, key, deaths, wasInHand: true };
          assert.deepEqual(decodeItem(encodeItem(item)), item);
        },
      ),
    );
  });

  it('is refused with a clear error when it is anything else', () => {
    for (const text of [
      '',
      '{}',
      '[]',
      'null',
      '{"index":-1,"key":"a","deaths":0}',
      '{"index":1,"key":"","deaths":0}',
    ]) {
      assert.throws(() => decodeItem(text), { message: 'decode item message: not an item' });
    }
  });

  it('lets a suspect begin with two deaths, however many it had in company', () => {
    assert.deepEqual(suspectOf({ index: 3, key: 'a', deaths: 9 }), {
      index: 3,
      key: 'a',
      deaths: 2,
      wasInHand: true,
    });
  });

  it('counts earlier deliveries and carried deaths as deaths, not this delivery', () => {
    const item = { index: 0, key: 'a', deaths: 2 };
    assert.equal(deathsOf(item, 1), 2);
    assert.equal(deathsOf(item, 4), 5);
    // Without a dead-letter policy Pub/Sub says 0.
    assert.equal(deathsOf(item, 0), 2);
  });
});

describe('outcomes', () => {
  const outcomes: Outcome[] = [
    { kind: 'stored', ...base, object: 'v/a.mp4', sizeBytes: 10, crc32c: 'AAAAAA==' },
    { kind: 'skipped', ...base, object: 'v/a.mp4', sizeBytes: 10, crc32c: null },
    { kind: 'failed', ...base, reason: 'permanent', error: 'gone\nfor good' },
    { kind: 'quarantined', ...base, deaths: 5 },
  ];

  it('come back as they were sent, one a line', () => {
    assert.deepEqual(decodeOutcomes(outcomes.map(encodeOutcome).join('\n')), outcomes);
  });

  it('cut an error that is too long', () => {
    const [outcome] = decodeOutcomes(
      encodeOutcome({ kind: 'failed', ...base, reason: 'exhausted', error: 'x'.repeat(10_000) }),
    );
    assert.ok(outcome?.kind === 'failed' && outcome.error.length === maxErrorLength);
  });

  it('name the line that is none', () => {
    const text = `${encodeOutcome(outcomes[0]!)}\n{"kind":"stored"}\n`;
    assert.throws(() => decodeOutcomes(text), {
      message: 'decode outcome in line 2: not an outcome',
    });
  });
});

describe('beat', () => {
  it('comes back as it was sent', () => {
    const beat = {
      downloader: 'd-1',
      state: 'working',
      slots: 4,
      holding: [1, 2],
      throttled: 0,
      atMs: 5,
    } as const;
    assert.deepEqual(decodeBeat(encodeBeat({ ...beat, holding: [...beat.holding] })), beat);
  });

  it('is refused when it is anything else', () => {
    assert.throws(() => decodeBeat('{"downloader":"x"}'), { message: 'decode beat: not a beat' });
  });
});
