import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandsConfigMap } from '../../../infra/local/kubernetes-fleet.ts';
import {
  evict,
  failuresBefore,
  jobsOf,
  livePodsOf,
  nameOfPod,
  podsOf,
} from '../../support/cluster-pods.ts';
import { resultsOf, startRun, untilSettled } from '../../support/clip-run.ts';
import { assertExact, assertNothingLeft } from '../../support/cluster-run.ts';
import { addCorner, startClusterStack } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

/** What may happen to a pod or its Job in the middle of its items; each run ends exact all the same. */

const world = await startClusterStack();

/** Two pods with two slots each work on this for half a minute: three times the pause before a replacement. */
const twoPods = {
  items: { count: 32, seconds: 4 },
  input: { workers: 2, concurrency: 2 },
};

/** Requests like limits: then the kernel ends the program only after the downloader that asked for it. */
const guaranteed = { cpu: '500m', memory: '400Mi' };

/** A program that needs more memory than its pod has, and sees to it that the downloader is what the kernel ends. */
const hog = `
import os, sys
key, output = sys.argv[2:4]
if key == 'poison':
    open(f'/proc/{os.getppid()}/oom_score_adj', 'w').write('1000')
    b'x' * 2 * 1024 ** 3
open(output, 'w').write(key)
`;

/** Each has pods of its own, and waits more than it works: a dozen at a time is fine on two cores. */
export function define(): void {
  describe('a run whose pods are disturbed', { concurrency: true, timeout: 400_000 }, () => {
    it('goes on after a pod is deleted', async () => {
      const run = await startRun(world, 'deleted', twoPods.items, twoPods.input);
      await untilSettled(run, 4);
      const [victim] = await livePodsOf(world, run);
      const name = nameOfPod(victim);
      await world.core.deleteNamespacedPod({ namespace: world.namespace, name });
      await waitUntil(async () => {
        const pods = await podsOf(world, run);
        return pods.some((pod) => failuresBefore(pod) === 1);
      });
      await assertExact(world, run);
    });

    it('starts another Job when a stranger deletes its own', async () => {
      const run = await startRun(world, 'job-deleted', twoPods.items, twoPods.input);
      await untilSettled(run, 4);
      const [job] = await jobsOf(world, run);
      await world.batch.deleteNamespacedJob({
        namespace: world.namespace,
        name: job?.metadata?.name ?? '',
        propagationPolicy: 'Background',
      });
      await waitUntil(async () => {
        const [next] = await jobsOf(world, run);
        return next !== undefined && next.metadata?.uid !== job?.metadata?.uid;
      });
      await assertExact(world, run);
    });

    it('ends when a pod is preempted after the others finished idle', async () => {
      // One pod has the long item; the others find nothing for ten seconds and end with 0.
      const run = await startRun(
        world,
        'last-one',
        { count: 3, slow: { first: 1, seconds: 45 } },
        { workers: 3, concurrency: 1, idleExit: '10s' },
      );
      await waitUntil(async () => {
        const pods = await podsOf(world, run);
        return pods.filter(({ status }) => status?.phase === 'Succeeded').length === 2;
      });
      const [last, ...others] = await livePodsOf(world, run);
      assert.ok(last !== undefined);
      assert.deepEqual(others, []);
      await evict(world, last);
      await assertExact(world, run);
    });

    it('quarantines an item that kills every downloader, and stores the others', async (test) => {
      const corner = await addCorner(world, 'out-of-memory');
      test.after(() => corner.stop());
      await world.core.replaceNamespacedConfigMap({
        namespace: corner.namespace,
        name: commandsConfigMap,
        body: {
          metadata: { name: commandsConfigMap },
          data: {
            'commands.json': JSON.stringify({
              hog: { argv: ['python3', '-c', hog, '--', '{key}', '{output}'], output: true },
            }),
          },
        },
      });
      const keys = ['a', 'b', 'c', 'd', 'e', 'poison'];
      const run = await startRun(
        world,
        'out-of-memory',
        { keys },
        {
          corner,
          task: { kind: 'command', name: 'hog', extension: 'txt' },
          workers: 1,
          concurrency: 2,
          maxDeaths: 3,
          pod: { resources: { requests: guaranteed, limits: guaranteed } },
        },
      );
      const result = await run.handle.result();
      assert.deepEqual([result.stored, result.quarantined], [keys.length - 1, 1]);
      const results = await resultsOf(world, result.runFolder);
      assert.deepEqual(
        results.filter(({ outcome }) => outcome === 'quarantined').map(({ key }) => key),
        ['poison'],
      );
      await assertNothingLeft(world, run, corner.namespace);
    });
  });
}
