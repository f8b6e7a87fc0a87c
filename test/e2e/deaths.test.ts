import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  assertDone,
  assertNoQueue,
  linesOf,
  progressOf,
  startRun,
  untilSettled,
} from '../support/clip-run.ts';
import { startRunStack } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';

/** Runs whose processes are killed with -9: each item is settled once, each object stored once. */

let world: RunStack;

before(async () => {
  world = await startRunStack();
});

after(() => world.stop());

describe('a run whose processes are killed', { timeout: 290_000 }, () => {
  it('ends exact when the Temporal worker dies while publishing and while collecting', async () => {
    // Publishing lasts 20 s at this rate.
    const run = await startRun(world, 'worker-deaths', { count: 60 }, { rateLimit: 180 });
    await untilSettled(run, 5);
    await world.killTemporalWorker();
    await untilSettled(run, 30);
    await world.killTemporalWorker();
    await assertDone(world, run);
  });

  it('ends exact when a downloader dies in the middle of its items', async () => {
    // A second each: long enough to be killed in.
    const items = { count: 24, seconds: 1 };
    const run = await startRun(world, 'downloader-deaths', items, { workers: 2 });
    for (const settled of [4, 12]) {
      await untilSettled(run, settled);
      const [pid] = await world.downloaders(run.name);
      assert.ok(pid !== undefined);
      process.kill(pid, 'SIGKILL');
    }
    await assertDone(world, run);
  });

  it('does exactly the rest when a cancelled run is started again', async () => {
    const first = await startRun(world, 'cancelled', { count: 40 }, { rateLimit: 240 });
    const { keys, prefix } = first;
    await untilSettled(first, 10);
    await first.handle.cancel();
    await assert.rejects(first.handle.result(), { name: 'WorkflowFailedError' });
    const stored = (await world.objects(prefix)).length;
    const { runFolder } = await progressOf(first);
    const remaining = await linesOf(world, runFolder, 'remaining.txt');
    assert.ok(stored >= 10 && stored < keys.length, `${stored} were stored`);
    assert.equal(remaining.length + stored, keys.length);
    await assertNoQueue(world, first);

    const destination = `gs://spotloop-local/${prefix}/`;
    const second = await startRun(world, 'cancelled-again', { keys: remaining }, { destination });
    const result = await second.handle.result();
    assert.deepEqual([result.total, result.stored], [remaining.length, remaining.length]);
    assert.equal((await world.objects(prefix)).length, keys.length);
  });
});
