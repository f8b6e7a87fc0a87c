import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addMark, itemsPerMinute, secondsLeft } from '../../domain/pace.ts';
import { isFleetReadDue, nextSliceMs } from '../../domain/poll-schedule.ts';
import { firstSample } from '../../domain/sample.ts';
import {
  formatBytes,
  formatDuration,
  parseDurationMs,
  parseSizeBytes,
} from '../../domain/units.ts';

const hourMs = 3_600_000;

describe('nextSliceMs', () => {
  it('starts at a second, grows with the age, ends at two minutes', () => {
    assert.equal(nextSliceMs(0), 1_000);
    assert.equal(nextSliceMs(60_000), 3_000);
    assert.equal(nextSliceMs(10 * hourMs), 120_000);
  });

  it('makes fewer than 450 slices in ten hours', () => {
    let slices = 0;
    for (let ageMs = 0; ageMs < 10 * hourMs; ageMs += nextSliceMs(ageMs)) slices += 1;
    assert.ok(slices < 450, `${slices} slices`);
  });
});

describe('isFleetReadDue', () => {
  it('asks soon when the fleet is not as wanted, seldom when it is', () => {
    const look = { ageMs: 10 * 60_000, sinceLastReadMs: 5_000, isAsWanted: false };
    assert.equal(isFleetReadDue(look), true);
    assert.equal(isFleetReadDue({ ...look, isAsWanted: true }), false);
    assert.equal(isFleetReadDue({ ...look, isAsWanted: true, sinceLastReadMs: 60_000 }), true);
    assert.equal(isFleetReadDue({ ...look, sinceLastReadMs: 4_999 }), false);
  });
});

describe('pace', () => {
  const sampleAt = (asOfMs: number, stored: number) => {
    const sample = firstSample(
      { total: 100, published: 100, duplicates: 0, blankLines: 0 },
      asOfMs,
    );
    return { ...sample, counts: { ...sample.counts, stored } };
  };

  it('is unknown before two samples lie apart', () => {
    assert.equal(itemsPerMinute([]), null);
    assert.equal(itemsPerMinute(addMark([], sampleAt(0, 5))), null);
  });

  it('is what settled between the oldest and the newest mark', () => {
    const marks = addMark(addMark([], sampleAt(0, 10)), sampleAt(30_000, 40));
    assert.equal(itemsPerMinute(marks), 60);
    assert.equal(secondsLeft(120, 60), 120);
  });

  it('keeps a bounded number of marks', () => {
    let marks = addMark([], sampleAt(0, 0));
    for (let i = 1; i < 100; i += 1) marks = addMark(marks, sampleAt(i * 1000, i));
    assert.equal(marks.length, 15);
  });

  it('tells no time left without a pace', () => {
    assert.equal(secondsLeft(5, null), null);
    assert.equal(secondsLeft(5, 0), null);
    assert.equal(secondsLeft(0, null), 0);
  });
});

describe('units', () => {
  it('reads durations and sizes with a unit only', () => {
    assert.equal(parseDurationMs('1.5h'), 5_400_000);
    assert.equal(parseSizeBytes('2KB'), 2_048);
    for (const text of ['', '5', 'h', '-5s', '5 parsecs', '5s5s']) {
      assert.equal(parseDurationMs(text), null, text);
      assert.equal(parseSizeBytes(text), null, text);
    }
  });

  it('writes them for people', () => {
    assert.equal(formatDuration(95_000), '1m 35s');
    assert.equal(formatDuration(3_600_000), '1h');
    assert.equal(formatDuration(400), '0s');
    assert.equal(formatBytes(1_572_864), '1.5MB');
  });
});
