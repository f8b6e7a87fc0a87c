import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { assertDone, startRun, untilSettled } from '../support/clip-run.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';

/** Pub/Sub as it may be: away, refusing, losing answers, delivering again. */

let world: FaultStack;
before(async () => {
  world = await startFaultStack();
});
after(() => world.stop());

/** As long as the issue of faults asks for: six of the shortest leases. */
const awayMs = 60_000;
/** Longer than a lease: what is not acked is delivered again meanwhile. */
const spoiltMs = 25_000;

const twoDownloaders = { workers: 2, concurrency: 2 };

describe('a run whose queue is away', { concurrency: 1, timeout: 240_000 }, () => {
  it('goes on when it is back after a minute', async () => {
    const run = await startRun(world, 'cut', { count: 80, seconds: 1 }, twoDownloaders);
    await untilSettled(run, 10);
    const restore = await world.queueProxy.cut();
    await sleep(awayMs);
    await restore();
    await assertDone(world, run);
  });
});

describe('a run whose queue fails', { concurrency: true, timeout: 240_000 }, () => {
  for (const [method, of] of [
    ['Pull', 'items'],
    ['Acknowledge', 'items'],
    ['ModifyAckDeadline', 'items'],
    ['Publish', 'outcomes'],
    ['Pull', 'outcomes'],
    ['Acknowledge', 'outcomes'],
  ] as const) {
    for (const fault of ['refuse', 'lose-answer'] as const) {
      it(`is exact though ${method} of ${of} is to ${fault} for a while`, async () => {
        const run = await startRun(world, 'spoilt', { count: 12, seconds: 4 }, twoDownloaders);
        const resource = new RegExp(`${run.name}-${of}$`);
        const injection = world.queueProxy.inject({ method, resource }, fault);
        await injection.reached;
        await sleep(spoiltMs);
        injection.end();
        await assertDone(world, run);
      });
    }
  }

  it('downloads nothing again though all of it is delivered again', async () => {
    const run = await startRun(world, 'again', { count: 12, seconds: 1 }, twoDownloaders);
    const resource = new RegExp(`${run.name}-items$`);
    const injection = world.queueProxy.inject({ method: 'Acknowledge', resource }, 'swallow');
    await injection.reached;
    await sleep(spoiltMs);
    injection.end();
    await assertDone(world, run);
    assert.deepEqual(
      await world.fetched(run.keys),
      run.keys.map(() => 1),
    );
  });
});
