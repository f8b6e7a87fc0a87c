import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { failureOf, progressOf, startRun } from '../../support/clip-run.ts';
import { assertExact, assertNothingLeft } from '../../support/cluster-run.ts';
import { addCorner, startClusterStack } from '../../support/cluster-stack.ts';
import type { Corner } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

const world = await startClusterStack();

export function define(): void {
  describe('a run in a namespace with a quota', { concurrency: 1, timeout: 400_000 }, () => {
    let corner: Corner;
    before(async () => {
      corner = await addCorner(world, 'quotas');
    });
    after(() => corner.stop());

    async function limit(name: string, hard: Record<string, string>): Promise<void> {
      const { namespace } = corner;
      const body = { metadata: { name }, spec: { hard } };
      await world.core.createNamespacedResourceQuota({ namespace, body });
      await waitUntil(async () => {
        const quota = await world.core.readNamespacedResourceQuota({ namespace, name });
        return quota.status?.hard !== undefined;
      });
    }

    it('fails before anything is made when the quota has room for no Job', async () => {
      await limit('no-jobs', { 'count/jobs.batch': '0' });
      const run = await startRun(world, 'no-jobs', { count: 2 }, { corner });
      const { type, message } = await failureOf(run);
      assert.equal(type, 'PreflightFailed');
      assert.match(
        message,
        /^create Job .* in namespace quotas-.*: forbidden \(403\): .*exceeded quota: no-jobs.* — raise the quota/,
      );
      await assertNothingLeft(world, run, corner.namespace);
      await world.core.deleteNamespacedResourceQuota({
        namespace: corner.namespace,
        name: 'no-jobs',
      });
    });

    it('does with the pods that the quota has room for, and says so', async () => {
      await limit('one-pod', { pods: '1' });
      const input = { corner, workers: 2, concurrency: 1 };
      const run = await startRun(world, 'one-pod', { count: 12, seconds: 2 }, input);
      await waitUntil(async () => {
        const { fleet } = await progressOf(run);
        const quota = /^the namespace's quota: .*exceeded quota: one-pod/;
        return fleet?.kind === 'running' && fleet.live === 1 && quota.test(fleet.waitingFor ?? '');
      });
      await assertExact(world, run);
    });
  });
}
