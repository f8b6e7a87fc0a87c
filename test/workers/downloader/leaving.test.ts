import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planLeaving } from '../../../workers/downloader/leaving.ts';

describe('planLeaving', () => {
  it('keeps its steps in order and ends before SIGKILL, whatever the grace time', () => {
    for (const graceMs of [1_000, 1_500, 2_000, 3_000, 15_000, 25_000, 120_000, 3_600_000]) {
      const { killMs, overMs, exitMs } = planLeaving(graceMs);
      assert.ok(0 < killMs && killMs < overMs && overMs < exitMs && exitMs < graceMs);
      assert.ok(overMs - killMs >= 400, 'a copy can be published and acked');
      assert.ok(graceMs - exitMs >= 50, 'the exit is ours');
    }
  });

  it('gives items most of it: ten of the fifteen seconds of a Spot node, all but five of more', () => {
    assert.equal(planLeaving(15_000).killMs, 10_000);
    assert.equal(planLeaving(120_000).killMs, 115_000);
  });
});
