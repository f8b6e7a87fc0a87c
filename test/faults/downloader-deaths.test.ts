import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertDone, resultsOf, startRun } from '../support/clip-run.ts';
import type { ClipRun } from '../support/clip-run.ts';
import { waitUntil } from '../support/run-stack.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';

/** A downloader dies at each point of an item's way, once warned and once not. */

let world: FaultStack;
before(async () => {
  world = await startFaultStack();
});
after(() => world.stop());

/** Where it dies: `reach` makes it stand still there, and lets it go on when the function that comes back is called. */
const points: readonly {
  readonly where: string;
  readonly reach: (run: ClipRun) => Promise<() => void>;
  /** What is stored already is not downloaded again (I2). */
  readonly fetchesAtMost: number;
}[] = [
  {
    where: 'before it knows of its items',
    reach: async ({ name }) => {
      const choice = { method: 'Pull', resource: new RegExp(`${name}-items$`) };
      const { reached, end } = world.queueProxy.inject(choice, 'lose-answer');
      await reached;
      return end;
    },
    fetchesAtMost: 1,
  },
  {
    where: 'in the task',
    reach: async ({ keys }) => {
      await waitUntil(async () => (await world.asked(keys)).some((count) => count > 0));
      return () => {};
    },
    fetchesAtMost: 2,
  },
  {
    where: 'after storing',
    reach: async ({ name, prefix }) => {
      const choice = { method: 'Publish', resource: new RegExp(`${name}-outcomes$`) };
      const { end } = world.queueProxy.inject(choice, 'hold');
      await waitUntil(async () => (await world.objects(prefix)).length >= 2);
      return end;
    },
    fetchesAtMost: 1,
  },
  {
    where: 'after publishing the outcome, before the ack',
    reach: async ({ name }) => {
      const choice = { method: 'Acknowledge', resource: new RegExp(`${name}-items$`) };
      const { reached, end } = world.queueProxy.inject(choice, 'hold');
      await reached;
      return end;
    },
    fetchesAtMost: 1,
  },
];

describe('a downloader that dies', { concurrency: true, timeout: 240_000 }, () => {
  for (const { where, reach, fetchesAtMost } of points) {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      it(`of ${signal} ${where} loses nothing and does nothing twice`, async () => {
        const run = await startRun(
          world,
          'death',
          { count: 6, seconds: 1 },
          { workers: 1, concurrency: 2 },
        );
        const goOn = await reach(run);
        const [pid] = await world.downloaders(run.name);
        assert.ok(pid !== undefined);
        process.kill(pid, signal);
        await waitUntil(async () => !(await world.downloaders(run.name)).includes(pid));
        goOn();
        const { runFolder } = await assertDone(world, run);
        const fetched = await world.fetched(run.keys);
        assert.ok(Math.max(...fetched) <= fetchesAtMost, fetched.join(', '));
        const attempts = (await resultsOf(world, runFolder)).map((line) => line.attempts ?? 0);
        assert.ok(Math.max(...attempts) <= 1, "a death is not the item's fault");
      });
    }
  }
});
