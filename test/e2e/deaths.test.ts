import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { clipOf } from '../../infra/local/site/clip.ts';
import { settledOf, startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';

/** Runs whose processes are killed with -9: each item is settled once, each object stored once. */

let world: RunStack;

before(async () => {
  world = await startRunStack();
});

after(() => world.stop());

const keys = (count: number, name: string) =>
  Array.from({ length: count }, (_, n) => `${name}-${n}`);

/** The shortest lease that Pub/Sub has: a dead downloader's items come back after it. */
const leaseDeadline = '10s';

async function killWorker(): Promise<void> {
  const pid = world.stack.workerPid();
  assert.ok(pid !== undefined);
  process.kill(pid, 'SIGKILL');
  // The stack starts another; until then there is none.
  await waitUntil(() => Promise.resolve(![undefined, pid].includes(world.stack.workerPid())));
}

/** The site takes a second for this clip: long enough to be killed in. */
async function makeSlow(id: string): Promise<void> {
  const body = JSON.stringify({ id, kind: 'slow', seconds: 1 });
  const answer = await fetch(`${world.stack.site.address}/behaviour`, { method: 'POST', body });
  assert.ok(answer.ok, await answer.text());
}

async function assertExact(name: string, ids: readonly string[], runFolder: string): Promise<void> {
  assert.deepEqual(await world.objects(name), ids.map((id) => `${id}.mp4`).toSorted());
  for (const id of ids) {
    const bytes = await readFile(join(world.stack.bucketFolder, name, `${id}.mp4`));
    assert.ok(bytes.equals(clipOf(id)), id);
  }
  const results = (await world.readRunFile(runFolder, 'results.jsonl')).trimEnd().split('\n');
  assert.deepEqual(
    results
      .map((line) => JSON.parse(line) as object)
      .map((line) => ('key' in line ? line.key : null)),
    ids,
  );
  assert.deepEqual(await world.queueLeft(), []);
  await waitUntil(async () => (await world.downloaders()).length === 0);
}

describe('a run whose processes are killed', () => {
  it(
    'ends exact when the Temporal worker dies while publishing and while collecting',
    { timeout: 180_000 },
    async () => {
      const ids = keys(60, 'worker');
      const handle = await world.start('worker-deaths', {
        items: ids,
        destination: 'gs://spotloop-local/worker-deaths/',
        task: {
          kind: 'http',
          url: `${world.stack.site.address}/clips/{key}.mp4`,
          extension: 'mp4',
        },
        leaseDeadline,
        // Publishing lasts 20 s at this rate.
        rateLimit: 180,
      });
      await waitUntil(async () => (await settledOf(handle).catch(() => 0)) >= 5);
      await killWorker();
      await waitUntil(async () => (await settledOf(handle).catch(() => 0)) >= 30);
      await killWorker();
      const result = await handle.result();
      assert.deepEqual([result.total, result.stored], [60, 60]);
      await assertExact('worker-deaths', ids, result.runFolder);
    },
  );

  it(
    'ends exact when a downloader dies in the middle of its items',
    { timeout: 180_000 },
    async () => {
      const ids = keys(24, 'downloader');
      for (const id of ids) {
        await makeSlow(id);
      }
      const handle = await world.start('downloader-deaths', {
        items: ids,
        destination: 'gs://spotloop-local/downloader-deaths/',
        task: {
          kind: 'http',
          url: `${world.stack.site.address}/clips/{key}.mp4`,
          extension: 'mp4',
        },
        leaseDeadline,
        workers: 2,
      });
      for (const settled of [4, 12]) {
        await waitUntil(async () => (await settledOf(handle)) >= settled);
        const [pid] = await world.downloaders();
        assert.ok(pid !== undefined);
        process.kill(pid, 'SIGKILL');
      }
      const result = await handle.result();
      assert.deepEqual([result.total, result.stored], [24, 24]);
      await assertExact('downloader-deaths', ids, result.runFolder);
    },
  );

  it(
    'does exactly the rest when a cancelled run is started again',
    { timeout: 180_000 },
    async () => {
      const ids = keys(40, 'cancel');
      const input = {
        items: ids,
        destination: 'gs://spotloop-local/cancelled/',
        task: {
          kind: 'http',
          url: `${world.stack.site.address}/clips/{key}.mp4`,
          extension: 'mp4',
        } as const,
        rateLimit: 240,
      };
      const first = await world.start('cancelled', input);
      await waitUntil(async () => (await settledOf(first).catch(() => 0)) >= 10);
      await first.cancel();
      await assert.rejects(first.result(), { name: 'WorkflowFailedError' });
      const stored = (await world.objects('cancelled')).length;
      const { runFolder } = await first.query<{ runFolder: string }>('progress');
      const remaining = (await world.readRunFile(runFolder, 'remaining.txt'))
        .split('\n')
        .filter(Boolean);
      assert.ok(stored >= 10 && stored < 40, `${stored} were stored`);
      assert.equal(remaining.length + stored, 40);
      assert.deepEqual(await world.queueLeft(), []);

      const second = await world.start('cancelled-again', {
        ...input,
        items: remaining,
        rateLimit: undefined,
      });
      const result = await second.result();
      assert.deepEqual([result.total, result.stored], [remaining.length, remaining.length]);
      assert.equal((await world.objects('cancelled')).length, 40);
    },
  );
});
