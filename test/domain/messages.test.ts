import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeBeat, encodeBeat } from '../../domain/beat.ts';
import { resultOf } from '../../activities/report/result-line.ts';
import { deathsOf, decodeItem, encodeItem, suspectOf } from '../../domain/item.ts';
import { objectName } from '../../domain/object-name.ts';
import { decodeOutcomes, encodeOutcome, maxErrorLength } from '../../domain/outcome.ts';
import type { Outcome } from '../../domain/outcome.ts';
import { foreignText, jsonText, spoiled } from '../support/foreign.ts';
import { fuzz } from '../support/fuzz.ts';

const base = { index: 7, attempts: 1, seconds: 0.5, atMs: 1 };

const outcomes: Outcome[] = [
  { kind: 'stored', ...base, object: 'v/a.mp4', sizeBytes: 10, crc32c: 'AAAAAA==' },
  {
    kind: 'stored',
    ...base,
    object: 'v/b.mp4',
    sizeBytes: 10,
    crc32c: 'AAAAAA==',
    sideFiles: { 'info.json': 20, 'en.vtt': 0 },
  },
  { kind: 'skipped', ...base, object: 'v/a.mp4', sizeBytes: 10, crc32c: null },
  { kind: 'failed', ...base, reason: 'permanent', error: 'gone\nfor good' },
  { kind: 'quarantined', ...base, deaths: 5 },
];

/** What a decoder gives back; null when it refuses as it is documented to. JSON knows no minus zero. */
function valueOf<Value>(decode: () => Value, refusal: RegExp): Value | null {
  let value: Value;
  try {
    value = decode();
  } catch (error) {
    assert.match((error as Error).message, refusal);
    return null;
  }
  return JSON.parse(JSON.stringify(value)) as Value;
}

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

  it('is refused, or says the same when it is sent on, and its key can name an object', async () => {
    const right = fc.record({ index: fc.nat(), key: foreignText, deaths: fc.nat() });
    await fuzz(
      fc.property(spoiled(right), fc.nat(200), (text, deliveries) => {
        const item = valueOf(() => decodeItem(text), /^decode item message: not an item$/);
        if (item === null) return;
        assert.deepEqual(decodeItem(encodeItem(item)), item);
        const name = objectName('v/', item.key, 'mp4');
        assert.match(name, /^v\/[^/]+$/);
        // A release sends the deaths on, a quarantine writes them down.
        const deaths = deathsOf(item, deliveries);
        decodeItem(encodeItem({ ...item, deaths }));
        decodeOutcomes(encodeOutcome({ kind: 'quarantined', ...base, deaths }));
      }),
    );
  });

  it('refuses a key of half a surrogate pair, which no object name can hold', () => {
    assert.throws(() => decodeItem('{"index":1,"key":"\\ud800","deaths":0}'));
  });

  it('counts deaths up to the largest number that a message can carry', () => {
    const item = decodeItem(`{"index":1,"key":"a","deaths":${Number.MAX_SAFE_INTEGER}}`);
    assert.equal(deathsOf(item, 100), Number.MAX_SAFE_INTEGER);
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

describe('foreign outcomes', () => {
  it('are refused by the number of their line, or can be written, read and reported', async () => {
    const line = fc.oneof(...outcomes.map((outcome) => spoiled(fc.constant(outcome))));
    await fuzz(
      fc.property(fc.array(line, { maxLength: 4 }), (lines) => {
        const text = lines.join('\n');
        const read = valueOf(
          () => decodeOutcomes(text),
          /^decode outcome in line \d+: not an outcome$/,
        );
        for (const outcome of read ?? []) {
          const written = encodeOutcome(outcome);
          assert.ok(!written.includes('\n') && written.isWellFormed());
          assert.deepEqual(decodeOutcomes(written).map(encodeOutcome), [written]);
          resultOf('k', outcome.index, outcome);
        }
      }),
    );
  });

  it('are refused when their time is none', () => {
    const line = encodeOutcome({ kind: 'quarantined', ...base, deaths: 5 });
    const beyond = line.replace('"atMs":1', '"atMs":8640000000000001');
    assert.throws(() => decodeOutcomes(beyond), /in line 1/);
  });

  it('have an error that other programs can read, wherever it was cut', () => {
    const error = `${'x'.repeat(maxErrorLength - 2)}🎬🎬`;
    const line = encodeOutcome({ kind: 'failed', ...base, reason: 'permanent', error });
    // Readers of JSON that are strict refuse half a surrogate pair, with all of their file.
    assert.doesNotMatch(line, /\\ud[89a-f]/i);
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
      pauseMs: 0,
      atMs: 5,
    } as const;
    assert.deepEqual(decodeBeat(encodeBeat({ ...beat, holding: [...beat.holding] })), beat);
  });

  it('of a downloader that knows of no pause is read as well', () => {
    const older = { downloader: 'd', state: 'idle', slots: 1, holding: [], throttled: 0, atMs: 5 };
    assert.equal(decodeBeat(JSON.stringify(older)).pauseMs, 0);
  });

  it('is refused, or says the same when it is sent again', async () => {
    const right = fc.record({
      downloader: foreignText,
      state: fc.constantFrom('working', 'idle', 'leaving'),
      slots: fc.nat(),
      holding: fc.array(fc.nat()),
      throttled: fc.nat(),
      atMs: fc.nat(),
    });
    await fuzz(
      fc.property(fc.oneof(spoiled(right), jsonText), (text) => {
        const beat = valueOf(() => decodeBeat(text), /^decode beat: not a beat$/);
        if (beat !== null) assert.deepEqual(decodeBeat(encodeBeat(beat)), beat);
      }),
    );
  });

  it('is refused when it is anything else', () => {
    assert.throws(() => decodeBeat('{"downloader":"x"}'), { message: 'decode beat: not a beat' });
  });
});
