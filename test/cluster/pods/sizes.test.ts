import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { indexOf, jobsOf, livePodsOf, podsOf, untilLive } from '../../support/cluster-pods.ts';
import {
  clips,
  linesOf,
  progressOf,
  resultsOf,
  startRun,
  untilSettled,
} from '../../support/clip-run.ts';
import type { ClipRun } from '../../support/clip-run.ts';
import { assertExact, assertNothingLeft } from '../../support/cluster-run.ts';
import { startClusterStack } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';
import { pauseUpdate, resumeUpdate, scaleUpdate } from '../../../workflows/messages.ts';

/** How many pods there are, and where: what was asked for, at any time. */

const world = await startClusterStack();

/** Nothing more comes after this, if nothing was on its way. */
const settleMs = 3_000;
/** As long as the issue of pausing asks for: longer than leases, so that what was not released would come back. */
const pauseMs = 60_000;

/** Waits until so many pods live, and sees that it stays at that. */
async function assertLive(run: ClipRun, count: number): Promise<void> {
  await untilLive(world, run, count);
  await sleep(settleMs);
  assert.equal((await livePodsOf(world, run)).length, count);
}

export function define(): void {
  describe('the size of a fleet', { concurrency: true, timeout: 400_000 }, () => {
    it('is one pod a node when asked, and the third says what it waits for', async () => {
      const run = await startRun(
        world,
        'one-per-node',
        { count: 40, seconds: 3 },
        { workers: 3, concurrency: 1, placement: 'one-per-node' },
      );
      const pods = await untilLive(world, run, 2);
      assert.equal(new Set(pods.map(({ spec }) => spec?.nodeName)).size, 2);
      const reason =
        /room on a node: 0\/\d+ nodes are available: .*2 node\(s\) didn't match pod anti-affinity rules/;
      await waitUntil(async () => {
        const { fleet } = await progressOf(run);
        return fleet?.kind === 'running' && fleet.live === 2 && reason.test(fleet.waitingFor ?? '');
      });
      const details = await world.temporal('workflow', 'metadata', '--workflow-id', run.prefix);
      assert.match(details, /2 of 3 — waiting for room on a node/);
      await assertExact(world, run);
    });

    it('follows what a person asks for, and does what a cancelled run left exactly once', async () => {
      const run = await startRun(
        world,
        'scaled',
        { count: 100, seconds: 5 },
        { workers: 1, concurrency: 1 },
      );
      const { handle } = run;
      await assertLive(run, 1);
      await handle.executeUpdate(scaleUpdate, { args: [6] });
      await assertLive(run, 6);
      await handle.executeUpdate(scaleUpdate, { args: [2] });
      await assertLive(run, 2);

      await handle.executeUpdate(pauseUpdate);
      await waitUntil(async () => (await podsOf(world, run)).length === 0);
      // What was in hand was released or finished, and then nothing moves.
      const endedMs = Date.now();
      await waitUntil(
        async () => Date.parse((await progressOf(run)).asOf ?? '') > endedMs + settleMs,
      );
      const { settled } = await progressOf(run);
      await sleep(pauseMs);
      assert.equal((await progressOf(run)).settled, settled, 'a paused run settles nothing');
      assert.equal((await podsOf(world, run)).length, 0);

      await handle.executeUpdate(resumeUpdate);
      await assertLive(run, 2);
      await untilSettled(run, settled + 4);
      await handle.cancel();
      await assert.rejects(handle.result(), { name: 'WorkflowFailedError' });

      const { runFolder, stored, unsettled } = await progressOf(run);
      const remaining = await linesOf(world, runFolder, 'remaining.txt');
      assert.equal(stored + (unsettled ?? 0), run.keys.length);
      assert.equal(remaining.length, unsettled);
      assert.equal((await world.objects(run.prefix)).length, stored);
      const attempts = (await resultsOf(world, runFolder)).map((line) => line.attempts ?? 0);
      assert.equal(Math.max(...attempts), 1);
      const done = run.keys.filter((key) => !remaining.includes(key));
      const once = done.map(() => 1);
      assert.deepEqual(await world.fetched(done), once, 'nothing was done twice');
      await assertNothingLeft(world, run);

      const rest = await world.start(`${run.prefix}-rest`, {
        items: remaining,
        destination: `gs://spotloop-local/${run.prefix}/`,
        task: clips(world),
        workers: 4,
        concurrency: 50,
      });
      const result = await rest.result();
      assert.deepEqual([result.stored, result.skipped], [remaining.length, 0]);
      assert.equal((await world.objects(run.prefix)).length, run.keys.length);
      assert.deepEqual(await world.fetched(done), once, 'what was there is left alone');
    });

    it('grows past indices that are idle and done', async () => {
      // Two long items; of four pods two find nothing, end and leave their indices done.
      const run = await startRun(
        world,
        'some-done',
        { count: 4, slow: { first: 2, seconds: 60 } },
        { workers: 4, concurrency: 1, idleExit: '10s' },
      );
      await waitUntil(async () => {
        const [job] = await jobsOf(world, run);
        return (job?.status?.succeeded ?? 0) === 2;
      });
      await run.handle.executeUpdate(scaleUpdate, { args: [3] });
      const [job] = await jobsOf(world, run);
      // Three that work and two done; the newest finds nothing to do, and may be done before anybody looks.
      assert.equal(job?.spec?.completions, 5);
      await waitUntil(async () => (await podsOf(world, run)).some((pod) => indexOf(pod) === '4'));
      await assertExact(world, run);
    });
  });
}
