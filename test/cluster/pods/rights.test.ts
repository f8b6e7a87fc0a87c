import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { KubeConfig, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import { jobsOf } from '../../support/cluster-pods.ts';
import { failureOf, linesOf, progressOf, startRun, untilSettled } from '../../support/clip-run.ts';
import { assertNothingLeft } from '../../support/cluster-run.ts';
import { addCorner, startClusterStack } from '../../support/cluster-stack.ts';
import type { Corner } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

const world = await startClusterStack();

const role = 'spotloop-temporal-worker';
const config = new KubeConfig();
config.loadFromFile(world.kubernetes.kubeconfig);
const rights = config.makeApiClient(RbacAuthorizationV1Api);

export function define(): void {
  describe(
    'a run of a Temporal worker without its rights',
    { concurrency: 1, timeout: 400_000 },
    () => {
      let corner: Corner;
      before(async () => {
        corner = await addCorner(world, 'rights');
      });
      after(() => corner.stop());

      const place = () => ({ namespace: corner.namespace, name: role });

      it('fails before anything is made when it may not make Jobs', async () => {
        const binding = await rights.readNamespacedRoleBinding(place());
        await rights.deleteNamespacedRoleBinding(place());
        const run = await startRun(world, 'no-rights', { count: 2 }, { corner });
        const { type, message } = await failureOf(run);
        assert.equal(type, 'PreflightFailed');
        assert.match(
          message,
          /^create Job .*: forbidden \(403\): .*cannot patch resource "jobs".* — apply k8s\/rbac.yaml$/,
        );
        await assertNothingLeft(world, run, corner.namespace);
        const { roleRef, subjects } = binding;
        const body = { metadata: { name: role }, roleRef, subjects };
        await rights.createNamespacedRoleBinding({ namespace: corner.namespace, body });
      });

      it('names the rights that it would miss later', async () => {
        const granted = await rights.readNamespacedRole(place());
        const all = structuredClone(granted.rules ?? []);
        const few = structuredClone(all).filter(({ resources }) => !resources?.includes('events'));
        for (const rule of few) rule.verbs = rule.verbs.filter((verb) => verb !== 'delete');
        granted.rules = few;
        const body = await rights.replaceNamespacedRole({ ...place(), body: granted });
        const run = await startRun(world, 'few-rights', { count: 2 }, { corner });
        const { type, message } = await failureOf(run);
        assert.equal(type, 'PreflightFailed');
        assert.match(
          message,
          /^look after Jobs in namespace .*: the Temporal worker may not delete jobs, delete pods, list events — apply k8s\/rbac.yaml$/,
        );
        await assertNothingLeft(world, run, corner.namespace);
        body.rules = all;
        await rights.replaceNamespacedRole({ ...place(), body });
      });

      it('ends with its counts when its rights are taken away in the middle', async () => {
        const run = await startRun(
          world,
          'rights-taken',
          { count: 80, seconds: 2 },
          { corner, idleExit: '20s' },
        );
        await untilSettled(run, 4);
        await rights.deleteNamespacedRoleBinding(place());
        const { type, message } = await failureOf(run);
        assert.equal(type, 'FleetFailed');
        assert.match(
          message,
          /^list Jobs in namespace .*: forbidden \(403\): .* — apply k8s\/rbac.yaml — besides, could not stop fleet: delete the Jobs of run /,
        );
        const { settled, unsettled, runFolder } = await progressOf(run);
        assert.equal(settled + (unsettled ?? 0), run.keys.length);
        assert.equal((await linesOf(world, runFolder, 'remaining.txt')).length, unsettled);
        // Nobody may delete the Job now; its pods find their queue gone and end as if idle.
        await waitUntil(async () => {
          const [job] = await jobsOf(world, run, corner.namespace);
          return job?.status?.conditions?.some(({ type: is }) => is === 'Complete') === true;
        });
      });
    },
  );
}
