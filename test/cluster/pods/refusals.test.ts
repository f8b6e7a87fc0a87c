import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RbacAuthorizationV1Api, KubeConfig } from '@kubernetes/client-node';
import {
  addCorner,
  assertExact,
  assertNothingLeft,
  failureOf,
  jobsOf,
  linesOf,
  progressOf,
  startClusterStack,
  startRun,
  stopClusterStack,
  untilSettled,
} from '../../support/cluster-stack.ts';
import type { ClusterStack } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

/** What the cluster refuses: a clear failure, or a wait that says for what. */

let world: ClusterStack;
before(async () => {
  world = await startClusterStack();
});
after(() => stopClusterStack());

const role = 'spotloop-temporal-worker';

function rbac(): RbacAuthorizationV1Api {
  const config = new KubeConfig();
  config.loadFromFile(world.kubernetes.kubeconfig);
  return config.makeApiClient(RbacAuthorizationV1Api);
}

async function limit(namespace: string, hard: Record<string, string>): Promise<void> {
  const body = { metadata: { name: 'limit' }, spec: { hard } };
  await world.core.createNamespacedResourceQuota({ namespace, body });
  await waitUntil(async () => {
    const quota = await world.core.readNamespacedResourceQuota({ namespace, name: 'limit' });
    return quota.status?.hard !== undefined;
  });
}

describe(
  'a run that the cluster refuses something',
  { concurrency: true, timeout: 400_000 },
  () => {
    it('fails before anything is made when the quota has room for no Job', async (test) => {
      const corner = await addCorner(world, test, 'no-jobs');
      await limit(corner.namespace, { 'count/jobs.batch': '0' });
      const run = await startRun(world, 'no-jobs', { count: 2 }, { corner });
      const { type, message } = await failureOf(run);
      assert.equal(type, 'PreflightFailed');
      assert.match(
        message,
        /^create Job .* in namespace no-jobs-.*: forbidden \(403\): .*exceeded quota: limit.* — raise the quota/,
      );
      await assertNothingLeft(world, run, corner.namespace);
    });

    it('does with the pods that the quota has room for, and says so', async (test) => {
      const corner = await addCorner(world, test, 'one-pod');
      await limit(corner.namespace, { pods: '1' });
      const input = { corner, workers: 2, concurrency: 1 };
      const run = await startRun(world, 'one-pod', { count: 12, seconds: 2 }, input);
      await waitUntil(async () => {
        const { fleet } = await progressOf(run);
        const quota = /^the namespace's quota: .*exceeded quota: limit/;
        return fleet?.kind === 'running' && fleet.live === 1 && quota.test(fleet.waitingFor ?? '');
      });
      await assertExact(world, run);
    });

    it('fails before anything is made when it may not make Jobs', async (test) => {
      const corner = await addCorner(world, test, 'no-rights');
      await rbac().deleteNamespacedRoleBinding({ namespace: corner.namespace, name: role });
      const run = await startRun(world, 'no-rights', { count: 2 }, { corner });
      const { type, message } = await failureOf(run);
      assert.equal(type, 'PreflightFailed');
      assert.match(
        message,
        /^create Job .*: forbidden \(403\): .*cannot patch resource "jobs".* — apply k8s\/rbac.yaml$/,
      );
      await assertNothingLeft(world, run, corner.namespace);
    });

    it('ends with its counts when its rights are taken away in the middle', async (test) => {
      const corner = await addCorner(world, test, 'rights-taken');
      const run = await startRun(world, 'rights-taken', { count: 80, seconds: 2 }, { corner });
      await untilSettled(run, 4);
      await rbac().deleteNamespacedRoleBinding({ namespace: corner.namespace, name: role });
      const { type, message } = await failureOf(run);
      assert.equal(type, 'FleetFailed');
      assert.match(
        message,
        /^list Jobs in namespace .*: forbidden \(403\): .* — apply k8s\/rbac.yaml$/,
      );
      const { settled, unsettled, runFolder } = await progressOf(run);
      assert.equal(settled + (unsettled ?? 0), run.keys.length);
      assert.equal((await linesOf(world, runFolder, 'remaining.txt')).length, unsettled);
      // Nobody may delete the Job now; its pods find their queue gone and end.
      await waitUntil(async () => {
        const [job] = await jobsOf(world, run, corner.namespace);
        return job?.status?.conditions?.some(({ type: is }) => is === 'Complete') === true;
      });
    });

    it('fails with the words of a downloader that is misconfigured', async () => {
      const task = { kind: 'command', name: 'no-such-command' } as const;
      const run = await startRun(world, 'misconfigured', { count: 2 }, { task });
      const { type, message } = await failureOf(run);
      assert.equal(type, 'FleetFailed');
      assert.match(
        message,
        /^Job .* failed: run pod .*: exit code 64, "command "no-such-command": not in .* known are/,
      );
      await assertNothingLeft(world, run);
    });

    it('names an image that is none of those allowed', async () => {
      const pod = { image: 'docker.io/somebody/else:1' };
      const run = await startRun(world, 'other-image', { count: 2 }, { pod });
      const { type, message } = await failureOf(run);
      assert.equal(type, 'PreflightFailed');
      assert.match(
        message,
        /"pod.image" docker.io\/somebody\/else:1 is not allowed here — choose among/,
      );
    });

    it('waits for an image that cannot be pulled, and says so until it is cancelled', async (test) => {
      // Nobody listens there, so pulling fails at once.
      const image = 'localhost:1/spotloop/downloader:absent';
      const corner = await addCorner(world, test, 'no-image', () => ({ SPOTLOOP_IMAGES: image }));
      const run = await startRun(world, 'no-image', { count: 3 }, { corner });
      await waitUntil(async () => {
        const { state } = await progressOf(run);
        return /waiting for image localhost:1\/.*: (ErrImagePull|ImagePullBackOff): /.test(state);
      });
      await run.handle.cancel();
      await assert.rejects(run.handle.result(), { name: 'WorkflowFailedError' });
      const { settled, unsettled, runFolder } = await progressOf(run);
      assert.deepEqual([settled, unsettled], [0, 3]);
      assert.deepEqual(await linesOf(world, runFolder, 'remaining.txt'), run.keys);
      await assertNothingLeft(world, run, corner.namespace);
    });

    it('fails at once for an image whose name can be none', async (test) => {
      const corner = await addCorner(world, test, 'bad-image', () => ({
        SPOTLOOP_IMAGES: 'Not:An:Image',
      }));
      const run = await startRun(world, 'bad-image', { count: 3 }, { corner });
      const { type, message } = await failureOf(run);
      assert.equal(type, 'FleetFailed');
      assert.match(message, /^Job .*: image Not:An:Image: InvalidImageName: /);
      await assertNothingLeft(world, run, corner.namespace);
    });
  },
);
