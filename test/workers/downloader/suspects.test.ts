import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { journaling, waits } from './journaling.ts';
import { createWorld, eventually, leaseDeadlineMs } from './world.ts';
import type { World } from './world.ts';

/** Items whose downloaders died (I7), seen from outside: real processes, a real queue, real programs. */

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.stop());

describe('a downloader with suspects', { concurrency: 4 }, () => {
  it('quarantines an item at maxDeaths without doing it', async () => {
    const run = await world.run(waits, { maxDeaths: 3 });
    const { variables, lines } = await journaling(run, 'true');
    await run.publish([{ key: 'a', deaths: 3 }], 'suspects');
    await run.publish([{ key: 'b', index: 1 }]);
    run.start(variables);
    const outcomes = await run.outcomes(2);
    const quarantined = outcomes.find(({ index }) => index === 0);
    assert.equal(quarantined?.kind, 'quarantined');
    assert.equal(quarantined.deaths, 3);
    assert.equal(quarantined.attempts, 0);
    assert.deepEqual(await lines(), ['start b', 'end b']);
  });

  it('counts no death in company above two, and hands the item on to be worked on alone', async () => {
    const run = await world.run(waits, { maxDeaths: 3, concurrency: 1 });
    const { variables, hasStarted } = await journaling(run, 'sleep 60');
    await run.publish([{ key: 'unlucky', deaths: 7 }]);
    const downloader = run.start({ ...variables, SPOTLOOP_GRACE_SECONDS: '2' });
    await hasStarted('unlucky');
    downloader.child.kill('SIGTERM');
    await downloader.ended;
    assert.deepEqual(await run.left(), []);
    const [left] = await run.left('suspects');
    assert.deepEqual(left, {
      item: { index: 0, key: 'unlucky', deaths: 2, wasInHand: true },
      deliveryAttempt: 1,
    });
  });

  it('does not blame an item for a death while it waits to be alone', async () => {
    const run = await world.run(waits, { concurrency: 2 });
    const { variables, hasStarted } = await journaling(run, 'sleep 60');
    await run.publish([{ key: 'neighbour' }]);
    const downloader = run.start(variables);
    await hasStarted('neighbour');
    await run.publish([{ key: 'suspect', index: 1, deaths: 2 }]);
    await eventually('it is handed on', async () => {
      const [left] = await run.left('suspects');
      return left?.item.key === 'suspect';
    });
    downloader.child.kill('SIGKILL');
    await downloader.ended;
    await sleep(leaseDeadlineMs + 1_000);
    const keys = (await run.left()).map(({ item }) => item.key);
    assert.ok(keys.includes('neighbour'));
    // Its own message may have come back, when that was not acked yet: two deaths it has all the same.
    assert.ok((await run.left('suspects')).every(({ item }) => item.deaths === 2));
  });

  it('works on an item of two deaths alone, and on all of them in the end', async () => {
    const run = await world.run(waits, { concurrency: 4 });
    const { variables, lines } = await journaling(run, 'sleep 0.3');
    const keys = ['a', 'b', 'c', 'lone1', 'd', 'e', 'lone2', 'f', 'g', 'h'];
    await run.publish(keys.map((key) => ({ key, deaths: key.startsWith('lone') ? 2 : 0 })));
    run.start(variables);
    const outcomes = await run.outcomes(keys.length);
    assert.ok(outcomes.every(({ kind }) => kind === 'stored'));
    const noted = await lines();
    for (const key of ['lone1', 'lone2']) {
      const place = noted.indexOf(`start ${key}`);
      const earlier = noted.slice(0, place);
      const count = (word: string): number =>
        earlier.filter((line) => line.startsWith(word)).length;
      assert.equal(count('start'), count('end'), `nothing else runs when ${key} starts`);
      assert.equal(noted[place + 1], `end ${key}`, `nothing else starts while ${key} runs`);
    }
  });
});
