import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  judgeStatus,
  parseRetryAfterMs,
} from '../../../../workers/downloader/tasks/http-status.ts';

const nowMs = Date.parse('2026-11-23T12:00:00Z');

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
      assert.equal(judgeStatus(status, retryAfter, nowMs)?.kind, kind);
    });
  }
});

describe('parseRetryAfterMs', () => {
  it('reads seconds and dates, and nothing else', () => {
    assert.equal(parseRetryAfterMs('120', nowMs), 120_000);
    assert.equal(parseRetryAfterMs('Mon, 23 Nov 2026 12:00:05 GMT', nowMs), 5_000);
    assert.equal(parseRetryAfterMs('Mon, 23 Nov 2026 11:00:00 GMT', nowMs), 0);
    assert.equal(parseRetryAfterMs('soon', nowMs), null);
    assert.equal(parseRetryAfterMs(null, nowMs), null);
  });
});
