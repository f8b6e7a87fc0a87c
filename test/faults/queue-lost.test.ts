import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startPubsubEmulator } from '../../infra/local/pubsub-emulator.ts';
import { assertDone, startRun, untilSettled } from '../support/clip-run.ts';
import { startRunStack } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';

/** A Pub/Sub that forgets everything: the emulator keeps topics, subscriptions and messages in memory only. */

let world: RunStack;
before(async () => {
  world = await startRunStack();
});
after(() => world.stop());

async function restartEmulator(): Promise<() => Promise<void>> {
  const { host } = world.stack.pubsub;
  await world.stack.pubsub.stop();
  const port = Number(host.split(':').at(-1));
  const next = await startPubsubEmulator({ logFolder: world.stack.logFolder, port });
  return () => next.stop();
}

describe(
  'a run whose queue is gone with all its messages',
  { concurrency: 1, timeout: 240_000 },
  () => {
    let stop = async (): Promise<void> => {};
    after(() => stop());

    it('makes it again and publishes what has no outcome', async () => {
      const run = await startRun(world, 'lost', { count: 40, seconds: 1 }, { workers: 2 });
      await untilSettled(run, 8);
      stop = await restartEmulator();
      await assertDone(world, run);
      const fetched = await world.fetched(run.keys);
      // What was in hand may be downloaded again; what was stored is not.
      assert.ok(fetched.filter((count) => count > 1).length <= 8, fetched.join(', '));
    });

    it('does so too while it still publishes', async () => {
      // Publishing lasts half a minute at this rate.
      const run = await startRun(world, 'lost-early', { count: 60 }, { rateLimit: 120 });
      await untilSettled(run, 8);
      await stop();
      stop = await restartEmulator();
      await assertDone(world, run);
    });
  },
);
