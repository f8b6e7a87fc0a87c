import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  longestCoolingMs,
  nextBreaker,
  nextStepAtMs,
  openBreaker,
  shortestCoolingMs,
} from '../../domain/breaker.ts';
import type { Breaker, BreakerLook } from '../../domain/breaker.ts';
import { noCounts } from '../../domain/counts.ts';

const minuteMs = 60_000;
const sampleEveryMs = 30_000;

/** What a minute's half shows: whether the site throttles, and whether anything got through. */
type Weather = { readonly isThrottled: boolean; readonly gotThrough?: number };

/** A fleet that follows its breaker at once. */
class Fleet {
  breaker: Breaker = openBreaker;
  nowMs = 1_000_000;
  settled = 0;
  readonly most: number;
  /** Downloaders, each time they changed; 0 while they are suspended. */
  readonly sizes: number[] = [];
  readonly coolingsMs: number[] = [];

  constructor(most: number) {
    this.most = most;
    this.sizes.push(most);
  }

  get size(): number {
    if (this.breaker.coolingUntilMs !== null) return 0;
    return Math.min(this.most, this.breaker.limit ?? this.most);
  }

  step({ isThrottled, gotThrough = 0 }: Weather, more: Partial<BreakerLook['sample']> = {}): void {
    this.nowMs += sampleEveryMs;
    this.settled += gotThrough;
    const before = this.breaker;
    const heard = this.size;
    this.breaker = nextBreaker(before, {
      sample: {
        asOfMs: this.nowMs,
        counts: { ...noCounts, stored: this.settled },
        heard,
        idle: 0,
        pausing: isThrottled ? heard : 0,
        pauseUntilMs: 0,
        ...more,
      },
      size: heard,
      most: this.most,
    });
    if (this.size !== this.sizes.at(-1)) this.sizes.push(this.size);
    const { coolingUntilMs } = this.breaker;
    if (coolingUntilMs !== null && before.coolingUntilMs === null) {
      this.coolingsMs.push(coolingUntilMs - this.nowMs);
    }
  }

  /** Minutes until something is so. */
  minutesUntil(isSo: () => boolean, weather: Weather): number {
    const startedMs = this.nowMs;
    while (!isSo()) {
      this.step(weather);
      assert.ok(this.nowMs - startedMs < 24 * 60 * minuteMs, 'not within a day');
    }
    return (this.nowMs - startedMs) / minuteMs;
  }
}

const throttled = { isThrottled: true };
const fine = { isThrottled: false, gotThrough: 1 };

describe('the breaker', () => {
  it('halves a fleet that is throttled, with growing pauses, down to one', () => {
    const fleet = new Fleet(20);
    const minutes = [10, 5, 2, 1].map((size) =>
      fleet.minutesUntil(() => fleet.size === size, { ...throttled, gotThrough: 1 }),
    );
    // A first sample begins the spell.
    assert.deepEqual(minutes, [1.5, 2, 4, 4]);
    assert.deepEqual(fleet.sizes, [20, 10, 5, 2, 1]);
  });

  it('does nothing about a refusal that passes, or about a few of many', () => {
    const fleet = new Fleet(20);
    for (let spell = 0; spell < 10; spell += 1) {
      fleet.step(throttled);
      for (let still = 0; still < 3; still += 1) fleet.step(fine);
    }
    for (let still = 0; still < 100; still += 1) fleet.step(fine, { pausing: 9 });
    assert.deepEqual(fleet.sizes, [20]);
  });

  it('suspends the last one after ten minutes in which nothing got through, for longer each time', () => {
    const fleet = new Fleet(1);
    assert.equal(
      fleet.minutesUntil(() => fleet.size === 0, throttled),
      11.5,
    );
    for (let again = 0; again < 6; again += 1) {
      fleet.minutesUntil(() => fleet.size === 1, throttled);
      const minutes = fleet.minutesUntil(() => fleet.size === 0, throttled);
      assert.ok(minutes <= 3, `the trial took ${minutes} minutes`);
    }
    assert.deepEqual(
      fleet.coolingsMs.map((ms) => ms / minuteMs),
      [10, 20, 40, 80, 120, 120, 120],
    );
  });

  it('leaves the last one at work as long as anything gets through', () => {
    const fleet = new Fleet(1);
    for (let at = 0; at < 200; at += 1)
      fleet.step({ ...throttled, gotThrough: at % 15 === 0 ? 1 : 0 });
    assert.deepEqual(fleet.coolingsMs, []);
  });

  it('cools at once as long as the origin asks, where that is long', () => {
    const fleet = new Fleet(8);
    fleet.step(throttled, { pauseUntilMs: fleet.nowMs + sampleEveryMs + 45 * minuteMs });
    assert.deepEqual(fleet.coolingsMs, [45 * minuteMs]);
    assert.equal(nextStepAtMs(fleet.breaker), fleet.nowMs + 45 * minuteMs);
  });

  it('comes back with one, then doubles while all is well, to what the run wants', () => {
    const fleet = new Fleet(10);
    fleet.minutesUntil(() => fleet.size === 0, throttled);
    fleet.minutesUntil(() => fleet.breaker === openBreaker, fine);
    assert.deepEqual(fleet.sizes, [10, 5, 2, 1, 0, 1, 2, 4, 8, 10]);
  });

  it('learns nothing of a downloader that has not come, or has nothing to do', () => {
    const fleet = new Fleet(4);
    fleet.minutesUntil(() => fleet.size === 2, throttled);
    for (let at = 0; at < 100; at += 1) fleet.step({ isThrottled: false }, { heard: 0 });
    for (let at = 0; at < 100; at += 1) fleet.step({ isThrottled: false }, { heard: 2, idle: 2 });
    assert.equal(fleet.size, 2);
  });

  it('says when it takes its next step, and takes it then', () => {
    const fleet = new Fleet(16);
    for (let changes = 1; changes < 12; changes = fleet.sizes.length) {
      fleet.step(throttled);
      const at = nextStepAtMs(fleet.breaker) ?? 0;
      while (fleet.nowMs < at) {
        assert.equal(fleet.sizes.length, changes);
        fleet.step(throttled);
        if (nextStepAtMs(fleet.breaker) !== at) break;
      }
      assert.ok(fleet.sizes.length > changes || fleet.nowMs < at + sampleEveryMs);
    }
  });

  it('keeps to its bounds whatever the weather, and recovers after it', () => {
    const weather = fc.array(
      fc.record({ isThrottled: fc.boolean(), gotThrough: fc.nat(1), repeat: fc.nat(80) }),
      { maxLength: 15 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), weather, (most, spells) => {
        const fleet = new Fleet(most);
        for (const { repeat, ...one } of spells) {
          for (let at = 0; at < repeat; at += 1) fleet.step(one);
        }
        assert.ok(fleet.sizes.every((size) => size >= 0 && size <= most));
        assert.ok(
          fleet.coolingsMs.every((ms) => ms >= shortestCoolingMs && ms <= longestCoolingMs),
        );
        fleet.minutesUntil(() => fleet.size === most && fleet.breaker.limit === null, fine);
      }),
    );
  });
});
