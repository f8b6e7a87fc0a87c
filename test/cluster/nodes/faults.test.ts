import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import type { ClusterNode } from '../../../infra/local/cluster/cluster.ts';
import { runKubectl } from '../../../infra/local/kubernetes-fleet.ts';
import {
  disruptionOf,
  disruptionsBefore,
  jobsOf,
  nameOfPod,
  podsOf,
  untilLive,
} from '../../support/cluster-pods.ts';
import { hurry, resultsOf, startRun, untilSettled } from '../../support/clip-run.ts';
import type { ClipRun } from '../../support/clip-run.ts';
import { assertExact } from '../../support/cluster-run.ts';
import { clusterOf, onBreakableNodes, startClusterStack } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

/** What may happen to a node under a run. One after the other, for each takes one of the two nodes that may be broken. */

const world = await startClusterStack();

const broken = { workers: 2, pod: onBreakableNodes };

/** The run's pods and the node of the first of them. */
async function pickVictim(run: ClipRun): Promise<{ pod: V1Pod; node: ClusterNode }> {
  const [pod] = await untilLive(world, run, 2);
  const node = clusterOf(world).nodes.find(({ name }) => name === pod?.spec?.nodeName);
  assert.ok(pod !== undefined && node !== undefined);
  return { pod, node };
}

/** Waits for the pod of the victim's index that comes after a disruption. */
async function untilReplaced(run: ClipRun): Promise<void> {
  await waitUntil(async () =>
    (await podsOf(world, run)).some((pod) => disruptionsBefore(pod) === 1),
  );
}

async function assertNoFailure(run: ClipRun): Promise<void> {
  const [job] = await jobsOf(world, run);
  assert.equal(job?.status?.failed ?? 0, 0, 'the Job counts no failure');
}

const isReady = async (name: string): Promise<boolean> => {
  const node = await world.core.readNode({ name });
  return (
    node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ===
    true
  );
};

export function define(): void {
  describe('a run whose node goes', { concurrency: 1, timeout: 300_000 }, () => {
    it('is not hurt by a preemption with notice', async () => {
      const input = { ...broken, concurrency: 3 };
      const run = await startRun(world, 'preempted-node', { count: 80, seconds: 4 }, input);
      const { pod, node } = await pickVictim(run);
      await untilSettled(run, 12);
      await node.announceShutdown();
      let ended: V1Pod | undefined;
      await waitUntil(async () => {
        const pods = await podsOf(world, run);
        ended = pods.find(({ metadata }) => metadata?.name === nameOfPod(pod));
        return ended?.status?.phase === 'Failed';
      });
      assert.equal(disruptionOf(ended)?.reason, 'TerminationByKubelet');
      const [status] = ended?.status?.containerStatuses ?? [];
      assert.equal(status?.state?.terminated?.exitCode, 143);
      assert.match(status?.state?.terminated?.message ?? '', /^SIGTERM: /);
      await untilReplaced(run);
      await assertNoFailure(run);
      await node.cancelShutdown();
      await hurry(world, run);
      const { runFolder } = await assertExact(world, run);
      const attempts = (await resultsOf(world, runFolder)).map((line) => line.attempts);
      assert.ok(
        attempts.every((count) => count === 1),
        'a preemption costs no attempt',
      );
    });

    it('gets back what a machine that vanished had in hand', async () => {
      const input = { ...broken, concurrency: 4 };
      const run = await startRun(world, 'vanished-node', { count: 120, seconds: 8 }, input);
      const { node } = await pickVictim(run);
      await untilSettled(run, 12);
      await node.vanish();
      try {
        await waitUntil(async () => !(await isReady(node.name)));
        // As the cloud's own controller does, which knows that the machine is gone.
        await world.core.deleteNode({ name: node.name });
        await untilReplaced(run);
        await assertNoFailure(run);
        await hurry(world, run);
        await assertExact(world, run);
      } finally {
        await node.start();
      }
    });

    it('moves on when a node is drained', async () => {
      const input = { ...broken, concurrency: 2 };
      const run = await startRun(world, 'drained-node', { count: 60, seconds: 4 }, input);
      const { node } = await pickVictim(run);
      await untilSettled(run, 8);
      // Staged files are on an emptyDir, as nearly every pod's.
      const force = ['--ignore-daemonsets', '--delete-emptydir-data'];
      try {
        await runKubectl(world.kubernetes, ['drain', node.name, ...force]);
        await untilReplaced(run);
        await assertNoFailure(run);
        await hurry(world, run);
      } finally {
        await runKubectl(world.kubernetes, ['uncordon', node.name]);
      }
      await assertExact(world, run);
    });
  });
}
