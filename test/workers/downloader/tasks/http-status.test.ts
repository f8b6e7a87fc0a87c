import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  judgeStatus,
  parseRetryAfterMs,
} from '../../../../workers/downloader/tasks/http-status.ts';
import { foreignText } from '../../../support/foreign.ts';
import { fuzz } from '../../../support/fuzz.ts';

const nowMs = Date.parse('2026-11-23T12:00:00Z');

/** Of an answer that was given at that time. */
const fields = (retryAfter: string | null) => ({
  get: (name: string) => {
    if (name === 'retry-after') return retryAfter;
    return name === 'date' ? new Date(nowMs).toUTCString() : null;
  },
});

describe('judgeStatus', () => {
  const table: readonly (readonly [number, string | null, string | undefined])[] = [
    [200, null, undefined],
    [203, null, undefined],
    [204, null, 'permanent'],
    [206, null, 'permanent'],
    [304, null, 'permanent'],
    [400, null, 'permanent'],
    [401, null, 'permanent'],
    [403, null, 'permanent'],
    [404, null, 'permanent'],
    [408, null, 'transient'],
    [410, null, 'permanent'],
    [425, null, 'transient'],
    [429, null, 'throttled'],
    [429, '3', 'throttled'],
    [451, null, 'permanent'],
    [500, null, 'transient'],
    [502, null, 'transient'],
    [503, null, 'transient'],
    [503, '3', 'throttled'],
    [504, '3', 'transient'],
  ];
  for (const [status, retryAfter, kind] of table) {
    it(`takes ${status}${retryAfter === null ? '' : ` with Retry-After`} for ${kind ?? 'a body'}`, () => {
      assert.equal(judgeStatus(status, fields(retryAfter))?.kind, kind);
    });
  }

  it('reckons the date of a Retry-After from the date of the answer, not from our clock', () => {
    const ending = judgeStatus(429, fields('Mon, 23 Nov 2026 12:00:07 GMT'));
    assert.deepEqual(ending, { kind: 'throttled', error: 'HTTP 429', retryAfterMs: 7_000 });
  });
});

describe('parseRetryAfterMs', () => {
  it('reads seconds and dates, and nothing else', () => {
    assert.equal(parseRetryAfterMs('120', nowMs), 120_000);
    assert.equal(parseRetryAfterMs('Mon, 23 Nov 2026 12:00:05 GMT', nowMs), 5_000);
    assert.equal(parseRetryAfterMs('Mon, 23 Nov 2026 11:00:00 GMT', nowMs), 0);
    assert.equal(parseRetryAfterMs('soon', nowMs), null);
    assert.equal(parseRetryAfterMs(null, nowMs), null);
  });

  it('reads the older ways to write a date', () => {
    assert.equal(parseRetryAfterMs('Monday, 23-Nov-26 12:00:05 GMT', nowMs), 5_000);
    assert.equal(parseRetryAfterMs('Mon Nov 23 12:00:05 2026', nowMs), 5_000);
    assert.equal(parseRetryAfterMs('Mon Nov  2 12:00:05 2026', nowMs), 0);
  });

  for (const text of ['soon 5', '-3', '1.5', '1e3', '0x10', 'Mon, 99 Nov 2026 12:00:05 GMT', '']) {
    it(`takes ${JSON.stringify(text)} for neither`, () => {
      assert.equal(parseRetryAfterMs(text, nowMs), null);
      assert.equal(judgeStatus(503, fields(text))?.kind, 'transient');
    });
  }

  it('gives back a time that can be reckoned with, or none, whatever it says', async () => {
    const digits = fc.stringMatching(/^[0-9]{0,500}$/);
    const text = fc.oneof(foreignText, digits, fc.date().map(String));
    await fuzz(
      fc.property(fc.integer({ min: 100, max: 999 }), text, (status, retryAfter) => {
        const ms = parseRetryAfterMs(retryAfter, nowMs);
        assert.ok(ms === null || Number.isSafeInteger(ms), String(ms));
        assert.equal(parseRetryAfterMs(` ${retryAfter} `, nowMs), ms);
        const judged = judgeStatus(status, fields(retryAfter));
        if (judged?.kind === 'throttled') assert.equal(judged.retryAfterMs, ms);
      }),
    );
  });

  it('reads every number of seconds and every date', async () => {
    const date = fc.date({ min: new Date(0), max: new Date('2999-12-31'), noInvalidDate: true });
    await fuzz(
      fc.property(fc.nat(), date, (seconds, at) => {
        assert.equal(parseRetryAfterMs(String(seconds), nowMs), seconds * 1000);
        const wanted = Math.max(0, Math.floor(at.getTime() / 1000) * 1000 - nowMs);
        assert.equal(parseRetryAfterMs(at.toUTCString(), nowMs), wanted);
      }),
    );
  });
});
