import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import {
  disruptionsBefore,
  evict,
  indexOf,
  jobsOf,
  livePodsOf,
  untilLive,
} from '../../support/cluster-pods.ts';
import { hurry, progressOf, startRun } from '../../support/clip-run.ts';
import { assertExact } from '../../support/cluster-run.ts';
import { startClusterStack } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

const world = await startClusterStack();

const pods = 4;
const preemptions = 10;
/** Ten in three minutes. */
const everyMs = 18_000;
/** What a preempted index may take until its next pod is ready. */
const backWithinMs = 60_000;
/** So many, as long as they take, that the run outlasts the last one's return. */
const items = { count: 240, seconds: 4 };

export function define(): void {
  describe('preemptions in quick succession', { timeout: 450_000 }, () => {
    it('leave each index back within a minute, with the stock back-off', async (test) => {
      const run = await startRun(world, 'preempted', items, { workers: pods, concurrency: 1 });
      await untilLive(world, run, pods);
      const isTold = waitUntil(async () => {
        const { fleet } = await progressOf(run);
        return fleet?.kind === 'running' && fleet.preempted > 0 && fleet.replaced > 0;
      });
      const back: Promise<number>[] = [];
      for (let count = 0; count < preemptions; count += 1) {
        const live = await livePodsOf(world, run);
        // One after the other, as far as they live: index 0, 1, 2, 3, 0 …
        const victim = live.toSorted(
          (a, b) =>
            disruptionsBefore(a) - disruptionsBefore(b) || Number(indexOf(a)) - Number(indexOf(b)),
        )[0];
        assert.ok(victim !== undefined, 'a pod lives');
        const [index, disruptions] = [indexOf(victim), disruptionsBefore(victim)];
        const startMs = performance.now();
        await evict(world, victim);
        back.push(
          waitUntil(async () =>
            (await livePodsOf(world, run)).some(
              (pod) => indexOf(pod) === index && disruptionsBefore(pod) > disruptions,
            ),
          ).then(() => performance.now() - startMs),
        );
        await sleep(everyMs);
      }
      const times = await Promise.all(back);
      await isTold;
      await hurry(world, run);
      test.diagnostic(`back after ${times.map((ms) => (ms / 1000).toFixed(0)).join(', ')} s`);
      assert.ok(Math.max(...times) <= backWithinMs, `${times.join(', ')} ms`);
      const [job] = await jobsOf(world, run);
      assert.equal(job?.status?.failed ?? 0, 0, 'the Job counts no failure');
      await assertExact(world, run);
    });
  });
}
