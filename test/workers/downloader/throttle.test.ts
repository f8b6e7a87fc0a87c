import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createThrottle } from '../../../workers/downloader/throttle.ts';

function create() {
  let nowMs = 0;
  const throttle = createThrottle({ now: () => nowMs, random: () => 1 });
  return {
    throttle,
    pass: (ms: number) => void (nowMs += ms),
    /** How long it stays closed from now, to the second. */
    closedSeconds: () => {
      const startMs = nowMs;
      while (!throttle.isOpen()) nowMs += 1_000;
      return (nowMs - startMs) / 1000;
    },
    now: () => nowMs,
  };
}

describe('a throttle', () => {
  it('is open at first, and pauses longer each time until an attempt gets through', () => {
    const { throttle, now, closedSeconds } = create();
    assert.ok(throttle.isOpen());
    const pauses = Array.from({ length: 8 }, () => {
      throttle.report(now(), null);
      return closedSeconds();
    });
    assert.deepEqual(pauses, [5, 10, 20, 40, 80, 160, 300, 300]);
    throttle.clear(now());
    throttle.report(now(), null);
    assert.equal(closedSeconds(), 5);
  });

  it('waits as long as the origin asks, if that is longer', () => {
    const { throttle, now, closedSeconds } = create();
    throttle.report(now(), 90_000);
    assert.equal(closedSeconds(), 90);
    throttle.report(now(), 1_000);
    assert.equal(closedSeconds(), 10);
  });

  it('takes attempts that were under way together for one refusal, but counts each', () => {
    const { throttle, pass, closedSeconds } = create();
    pass(1_000);
    for (let attempt = 0; attempt < 4; attempt += 1) throttle.report(0 + attempt, null);
    assert.equal(throttle.takeCount(), 4);
    assert.equal(throttle.takeCount(), 0);
    assert.equal(closedSeconds(), 5);
  });

  it('tells how long it stays closed, and how many attempts got through', () => {
    const { throttle, pass, now } = create();
    assert.equal(throttle.restMs(), 0);
    throttle.report(now(), 30_000);
    pass(10_000);
    assert.equal(throttle.restMs(), 20_000);
    assert.equal(throttle.passed, 0);
    throttle.clear(0);
    assert.equal(throttle.passed, 1);
  });

  it('is not opened by an attempt that began before it closed', () => {
    const { throttle, pass, now, closedSeconds } = create();
    throttle.report(now(), null);
    closedSeconds();
    throttle.report(now(), null);
    throttle.clear(0);
    pass(1);
    closedSeconds();
    throttle.report(now(), null);
    assert.equal(closedSeconds(), 20);
  });
});
