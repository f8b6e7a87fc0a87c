import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertDone, startRun, untilSettled } from '../support/clip-run.ts';
import { startRunStack } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { restartableServersOf } from './restartable-servers.ts';
import type { RestartableServers } from './restartable-servers.ts';

/** A Pub/Sub that forgets everything: the emulator keeps topics, subscriptions and messages in memory only. */

let world: RunStack;
let servers: RestartableServers;
before(async () => {
  world = await startRunStack();
  servers = restartableServersOf(world);
});
after(async () => {
  await servers.stop();
  await world.stop();
});

describe(
  'a run whose queue is gone with all its messages',
  { concurrency: 1, timeout: 240_000 },
  () => {
    it('makes it again and publishes what has no outcome', async () => {
      const run = await startRun(world, 'lost', { count: 40, seconds: 1 }, { workers: 2 });
      await untilSettled(run, 8);
      await servers.restartEmulator();
      await assertDone(world, run);
      const fetched = await world.fetched(run.keys);
      // What was in hand may be downloaded again; what was stored is not.
      assert.ok(fetched.filter((count) => count > 1).length <= 8, fetched.join(', '));
    });

    it('does so too while it still publishes', async () => {
      // Publishing lasts half a minute at this rate.
      const run = await startRun(world, 'lost-early', { count: 60 }, { rateLimit: 120 });
      await untilSettled(run, 8);
      await servers.restartEmulator();
      await assertDone(world, run);
    });
  },
);
