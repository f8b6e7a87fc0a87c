import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beatLifetimeMs } from '../../domain/beat.ts';
import { noCounts } from '../../domain/counts.ts';
import { isMoving, judge } from '../../domain/judgement.ts';
import type { Sample } from '../../domain/sample.ts';

const spec = { tolerateFailures: undefined, leaseDeadlineMs: 60_000 };
const situation = { total: 1_000, isPublishing: false, isPaused: false, lastMovedAtMs: 1_000_000 };

function sampleOf(more: Partial<Sample>): Sample {
  return {
    asOfMs: 1_000_000,
    counts: noCounts,
    storedBytes: 0,
    recent: { outcomes: 0, failed: 0 },
    heard: 1,
    idle: 0,
    holding: 1,
    throttled: 0,
    pausing: 0,
    pauseUntilMs: 0,
    ...more,
  };
}

describe('judge', () => {
  it('calls a run settled when every item has an outcome, whatever else is said (I6)', () => {
    const counts = { stored: 900, skipped: 50, failed: 49, quarantined: 1 };
    assert.equal(judge(sampleOf({ counts, throttled: 5 }), situation, spec).kind, 'settled');
  });

  it('goes on while one item has none', () => {
    const counts = { ...noCounts, stored: 999 };
    assert.equal(judge(sampleOf({ counts }), situation, spec).kind, 'draining');
  });

  it('calls a run stalled after two lease deadlines without movement, not before', () => {
    const at = (asOfMs: number) => judge(sampleOf({ asOfMs }), situation, spec).kind;
    assert.equal(at(1_119_999), 'draining');
    assert.equal(at(1_120_000), 'stalled');
  });

  it('does not call a run stalled before a beat can have told what is in hand, however short its lease', () => {
    const at = (asOfMs: number) =>
      judge(sampleOf({ asOfMs }), situation, { ...spec, leaseDeadlineMs: 10_000 }).kind;
    assert.equal(at(1_000_000 + beatLifetimeMs - 1), 'draining');
    assert.equal(at(1_000_000 + beatLifetimeMs), 'stalled');
  });

  it('never calls a run stalled while it is paused or still publishing', () => {
    const sample = sampleOf({ asOfMs: 9_000_000 });
    assert.equal(judge(sample, { ...situation, isPaused: true }, spec).kind, 'draining');
    assert.equal(judge(sample, { ...situation, isPublishing: true }, spec).kind, 'draining');
  });

  it('says when origins ask for patience', () => {
    assert.deepEqual(judge(sampleOf({ throttled: 3 }), situation, spec), {
      kind: 'throttled',
      attempts: 3,
    });
  });

  it('stops by default when 90 % of 500 consecutive outcomes failed', () => {
    const worst = (outcomes: number, failed: number) =>
      judge(sampleOf({ recent: { outcomes, failed } }), situation, spec).kind;
    assert.equal(worst(500, 450), 'failing');
    assert.equal(worst(500, 449), 'draining');
    assert.equal(worst(499, 499), 'draining');
  });

  it('does not stop a run by the default that is over anyway', () => {
    const counts = { ...noCounts, failed: 1_000 };
    assert.equal(
      judge(sampleOf({ counts, recent: { outcomes: 500, failed: 500 } }), situation, spec).kind,
      'settled',
    );
  });

  it('keeps to a tolerated count and a tolerated share, quarantined items included', () => {
    const counts = { ...noCounts, failed: 9, quarantined: 2 };
    const kind = (tolerateFailures: Parameters<typeof judge>[2]['tolerateFailures']) =>
      judge(sampleOf({ counts }), situation, { ...spec, tolerateFailures }).kind;
    assert.equal(kind({ kind: 'count', count: 11 }), 'draining');
    assert.equal(kind({ kind: 'count', count: 10 }), 'failing');
    assert.equal(kind({ kind: 'percent', percent: 1.1 }), 'draining');
    assert.equal(kind({ kind: 'percent', percent: 1 }), 'failing');
  });
});

describe('isMoving', () => {
  const idle = sampleOf({ idle: 1, holding: 0 });

  it('sees an outcome, an item in hand, and a fleet in which nobody idles', () => {
    assert.ok(isMoving(null, idle));
    assert.ok(isMoving(idle, { ...idle, counts: { ...noCounts, stored: 1 } }));
    assert.ok(isMoving(idle, { ...idle, holding: 1 }));
    assert.ok(isMoving(idle, { ...idle, idle: 0 }));
  });

  it('sees none when somebody idles and nobody holds what is left', () => {
    assert.equal(isMoving(idle, idle), false);
  });

  it('counts standing still from the first sample that shows it', () => {
    assert.ok(isMoving(sampleOf({ heard: 0, idle: 0, holding: 0 }), idle));
    assert.ok(isMoving(sampleOf({ heard: 2, idle: 1, holding: 1 }), idle));
  });
});
