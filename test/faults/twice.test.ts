import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { startTemporalWorker } from '../../infra/local/temporal-worker.ts';
import type { TemporalWorker } from '../../infra/local/temporal-worker.ts';
import {
  assertDone,
  assertNoQueue,
  clips,
  nameOf,
  progressOf,
  startRun,
  untilSettled,
} from '../support/clip-run.ts';
import type { ClipRun } from '../support/clip-run.ts';
import { waitUntil } from '../support/run-stack.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';

/** The same thing done by two: a run by two collectors, a workflow id by two runs. */

let world: FaultStack;
before(async () => {
  world = await startFaultStack();
});
after(async () => {
  await second?.stop();
  await world.stop();
});

/** A Temporal worker beside the stack's, with downloaders of its own. */
let second: TemporalWorker | undefined;

/** Of an activity that is silent so long, Temporal starts another attempt: `heartbeatTimeout` and some. */
const silentMs = 20_000;

describe('a run that two collectors follow', { timeout: 290_000 }, () => {
  it('has each part of its ledger once, though one of them wakes up from a long sleep', async () => {
    // Each worker stops its own downloaders only; those of the other end when they find no queue for so long.
    const spec = { workers: 2, idleExit: '20s' };
    const run = await startRun(world, 'zombie', { count: 80, seconds: 2 }, spec);
    await untilSettled(run, 8);
    // What it was about to write when it fell asleep arrives after its successor's parts.
    const { promise: isAwake, resolve: wake } = Promise.withResolvers<void>();
    const url = new RegExp(`${run.name}%2Fledger%2Fpart`);
    const { hits } = world.storageProxy.inject(
      { method: 'POST', url, times: 1 },
      { kind: 'late', until: isAwake },
    );
    await waitUntil(async () => hits() > 0);
    const sleeper = world.stack.workerPid();
    assert.ok(sleeper !== undefined);
    process.kill(sleeper, 'SIGSTOP');
    const { env, logFolder } = world.stack;
    second = await startTemporalWorker({ env, logFolder, report: () => {} });
    const { settled } = await progressOf(run).catch(() => ({ settled: 0 }));
    await untilSettled(run, settled + 4);
    await sleep(silentMs);
    process.kill(sleeper, 'SIGCONT');
    wake();
    await assertDone(world, run);
    assert.equal(world.stack.workerPid(), sleeper, 'the sleeper was to live on');
    await second.stop();
    second = undefined;
  });
});

describe('a workflow id that is used again', { concurrency: true, timeout: 200_000 }, () => {
  const again = (run: ClipRun): Promise<ClipRun['handle']> =>
    world.start(run.handle.workflowId, {
      items: [...run.keys],
      destination: `gs://spotloop-local/${run.prefix}/`,
      task: clips(world),
      leaseDeadline: '10s',
    });

  it('is refused while its run goes on, and skips everything after that, in a folder of its own', async () => {
    const run = await startRun(world, 'same-id', { count: 12, seconds: 2 });
    await untilSettled(run, 2);
    await assert.rejects(again(run), WorkflowExecutionAlreadyStartedError);
    const first = await assertDone(world, run);
    const handle = await again(run);
    const result = await handle.result();
    assert.notEqual(nameOf(handle), run.name);
    assert.notEqual(result.runFolder, first.runFolder);
    assert.deepEqual([result.stored, result.skipped], [0, run.keys.length]);
    for (const { runFolder } of [first, result]) {
      assert.deepEqual((await world.audit(runFolder)).problems, []);
    }
    assert.deepEqual(
      await world.fetched(run.keys),
      run.keys.map(() => 1),
    );
  });

  it('does the rest after its run was terminated, beside the downloaders that nobody stopped', async () => {
    const run = await startRun(world, 'terminated', { count: 40, seconds: 1 });
    await untilSettled(run, 8);
    await run.handle.terminate('as somebody may');
    const handle = await again(run);
    const result = await handle.result();
    // What the first run's downloaders still stored is theirs: to the second it was there already.
    assert.equal(result.stored + result.skipped, run.keys.length);
    assert.ok(result.skipped >= 8);
    assert.deepEqual(
      await world.objects(run.prefix),
      run.keys.map((key) => `${key}.mp4`).toSorted(),
    );
    assert.deepEqual((await world.audit(result.runFolder)).problems, []);
    await assertNoQueue(world, { ...run, name: nameOf(handle) });
    for (const pid of await world.downloaders(run.name)) process.kill(pid, 'SIGTERM');
  });
});
