import { deepEqual, equal, ok } from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { settledOf } from '../../../domain/counts.ts';
import { tooManyFailures } from '../../../domain/judgement.ts';
import { failed, stored } from '../ledger/arbitrary-outcomes.ts';
import { closeWorld, newActivity, openWorld } from '../world.ts';
import type { World } from '../world.ts';
import { Scene, heartbeatOf } from './scene.ts';

/** A collector that sees more failures than the run tolerates. */

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

const upTo = (count: number) => [...Array(count).keys()];

/** A slice of a minute that notices by itself ends within this, a loaded machine included. */
const atOnceMs = 10_000;

for (const { name, tolerateFailures, outcomes } of [
  {
    name: 'a window of 500 in the middle of a part of which 90 % failed',
    tolerateFailures: undefined,
    outcomes: [
      ...upTo(300).map((index) => stored(index)),
      ...upTo(500).map((at) => (at % 10 === 0 ? stored(300 + at) : failed(300 + at))),
      ...upTo(700).map((at) => stored(800 + at)),
    ],
  },
  {
    name: 'a failure more than the tolerated count',
    tolerateFailures: { kind: 'count', count: 4 } as const,
    outcomes: upTo(5).map((index) => failed(index)),
  },
  {
    name: 'more failures than the tolerated share',
    tolerateFailures: { kind: 'percent', percent: 1 } as const,
    outcomes: upTo(21).map((index) => failed(index)),
  },
]) {
  test(`returns at once for ${name}, and drains nevertheless`, async () => {
    const scene = await Scene.open(world, 2_000);
    const environment = newActivity();
    const isReady = heartbeatOf(environment, () => true);
    const collector = scene.newCollector();
    const collecting = scene.collect(collector, { environment, tolerateFailures });
    await isReady;
    const startedAtMs = Date.now();
    await scene.publish(outcomes, outcomes.length);
    const sample = await collecting;
    ok(Date.now() - startedAtMs < atOnceMs, `${Date.now() - startedAtMs} ms`);
    ok(tooManyFailures(sample, scene.snapshot.total, tolerateFailures) !== null);
    // Its next slice, should a retry begin one, ends at once; the last collecting takes in what still comes.
    await scene.collect(collector, { tolerateFailures });
    ok(Date.now() - startedAtMs < 2 * atOnceMs);
    await scene.publish([stored(1_990), stored(1_991)]);
    const last = await scene.collect(collector, { until: 'quiet', tolerateFailures });
    equal(settledOf(last.counts), settledOf(sample.counts) + 2);
  });
}

test('goes on while outcomes stay within what is tolerated', async () => {
  const scene = await Scene.open(world, 600);
  await scene.publish(
    upTo(600).map((at) => (at % 9 === 0 ? stored(at) : failed(at))),
    600,
  );
  const sample = await scene.collect(scene.newCollector());
  equal(settledOf(sample.counts), scene.snapshot.total);
  deepEqual(sample.recent, { outcomes: 500, failed: 445 });
});
