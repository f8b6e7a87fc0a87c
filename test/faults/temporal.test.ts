import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { startTemporalServer } from '../../infra/local/temporal-server.ts';
import type { TemporalServer } from '../../infra/local/temporal-server.ts';
import { assertDone, startRun, untilSettled } from '../support/clip-run.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';

/** The Temporal worker is killed in the middle of each of its steps; the Temporal server is away. */

let world: FaultStack;
before(async () => {
  world = await startFaultStack();
});
after(async () => {
  await server?.stop();
  await world.stop();
});

/** The one that took the place of the stack's. */
let server: TemporalServer | undefined;

async function restartTemporalServer(pauseMs: number): Promise<void> {
  const { temporal, logFolder } = world.stack;
  await temporal.stop();
  await sleep(pauseMs);
  server = await startTemporalServer({
    logFolder,
    databaseFile: join(logFolder, '..', 'temporal.db'),
    port: Number(new URL(`tcp://${temporal.address}`).port),
    uiPort: Number(new URL(temporal.uiAddress).port),
  });
}

/** As long as the issue of faults asks for. */
const awayMs = 30_000;

describe('a run whose Temporal worker dies', { concurrency: 1, timeout: 280_000 }, () => {
  for (const [step, method, of] of [
    ['creates the queue', 'CreateTopic', 'outcomes'],
    ['publishes', 'Publish', 'items'],
    ['collects', 'Pull', 'outcomes'],
    ['acks what it collected', 'Acknowledge', 'outcomes'],
    ['deletes the queue', 'DeleteTopic', 'outcomes'],
  ] as const) {
    it(`goes on where it stood as it ${step}`, async () => {
      const run = await startRun(world, 'worker', { count: 8 });
      const resource = new RegExp(`${run.name}-${of}$`);
      const { reached, end } = world.queueProxy.inject({ method, resource }, 'hold');
      await reached;
      await world.killTemporalWorker();
      end();
      await assertDone(world, run);
    });
  }

  for (const [step, url] of [
    ['checks the destination', '(!|%21)preflight'],
    ['writes the snapshot', 'snapshot%2Fnew'],
    ['writes the ledger', 'ledger%2Fpart'],
    ['writes the report', 'report\\.json'],
  ] as const) {
    it(`goes on where it stood as it ${step}`, async () => {
      const choice = { method: 'POST', url: new RegExp(url), times: 1 } as const;
      const hits = world.storageProxy.inject(choice, { kind: 'hang' });
      const run = await startRun(world, 'worker', { count: 8 });
      while (hits() === 0) await sleep(50);
      await world.killTemporalWorker();
      await assertDone(world, run);
    });
  }
});

describe('a run whose Temporal server is away', { concurrency: 1, timeout: 180_000 }, () => {
  it('goes on when it is back', async () => {
    const run = await startRun(world, 'server', { count: 40, seconds: 1 }, { workers: 2 });
    await untilSettled(run, 8);
    await restartTemporalServer(awayMs);
    await assertDone(world, run);
  });
});
