import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dump } from 'js-yaml';
import { runKubectl } from '../../../infra/local/kubernetes-fleet.ts';
import { isLive, nameOfPod, podsOf } from '../../support/cluster-pods.ts';
import { startRun, untilSettled } from '../../support/clip-run.ts';
import { assertExact, assertNothingLeft } from '../../support/cluster-run.ts';
import { startClusterStack } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

/** The Temporal worker as k8s/ installs it, with exactly the rights that are there. */

const world = await startClusterStack();

const manifests = fileURLToPath(new URL('../../../k8s', import.meta.url));
const namespace = 'in-cluster';

/** An overlay as an operator writes one: namespace, images, addresses; and here the machine's network. */
async function writeOverlay(): Promise<string> {
  const { images, env } = world.kubernetes;
  const folder = join(world.stack.logFolder, '..', 'overlay');
  await mkdir(folder, { recursive: true });
  const [newName, newTag] = images.temporalWorker?.split(/:(?=[^/]*$)/) ?? [];
  const {
    KUBECONFIG: _,
    // Its image brings one.
    SPOTLOOP_WORKFLOW_BUNDLE: __,
    SPOTLOOP_JOB_TEMPLATE: template,
    ...variables
  } = {
    ...world.stack.env,
    ...env,
  };
  const apiServer = new URL(world.kubernetes.cluster?.apiServer ?? '');
  const literals = Object.entries({
    ...variables,
    SPOTLOOP_TASK_QUEUE: namespace,
    SPOTLOOP_STAGING_FOLDER: '/tmp/staging',
    SPOTLOOP_LOG_FOLDER: '/tmp/logs',
    SPOTLOOP_COMMANDS_FILE: '',
    // Its image has one.
    SPOTLOOP_YTDLP: '',
    // There is no service network here that leads to it.
    KUBERNETES_SERVICE_HOST: apiServer.hostname,
    KUBERNETES_SERVICE_PORT: apiServer.port,
  }).filter(([name, value]) => name !== 'SPOTLOOP_FLEETS' && value !== '');
  const network = [
    { op: 'add', path: '/spec/template/spec/hostNetwork', value: true },
    { op: 'add', path: '/spec/template/spec/dnsPolicy', value: 'Default' },
    // Another's port on that network; and the one that is killed here may still have it when the next one starts.
    { op: 'remove', path: '/spec/template/spec/containers/0/ports' },
  ];
  await writeFile(
    join(folder, 'kustomization.yaml'),
    dump({
      apiVersion: 'kustomize.config.k8s.io/v1beta1',
      kind: 'Kustomization',
      namespace,
      resources: [relative(folder, manifests)],
      images: [{ name: 'spotloop-temporal-worker', newName, newTag }],
      configMapGenerator: [
        {
          name: 'spotloop-temporal-worker',
          behavior: 'merge',
          literals: [
            ...literals.map(([name, value]) => `${name}=${value}`),
            'SPOTLOOP_METRICS_ADDRESS=',
          ],
        },
        { name: 'spotloop-job-template', behavior: 'replace', files: ['job.yaml'] },
      ],
      patches: [{ target: { kind: 'Deployment' }, patch: dump(network) }],
    }),
  );
  assert.ok(template !== undefined);
  await writeFile(join(folder, 'job.yaml'), await readFile(template));
  return folder;
}

export function define(): void {
  describe('the Temporal worker inside the cluster', { timeout: 240_000 }, () => {
    it('carries a run through its own death', async () => {
      await world.kubernetes.addNamespace(namespace);
      await runKubectl(world.kubernetes, ['apply', '-k', await writeOverlay()]);
      const selector = { namespace, labelSelector: 'app.kubernetes.io/component=temporal-worker' };
      const workers = async () => (await world.core.listNamespacedPod(selector)).items;
      const corner = { namespace, taskQueue: namespace };
      const run = await startRun(
        world,
        'in-cluster',
        { count: 80, seconds: 2 },
        { corner, workers: 2 },
      );
      await untilSettled(run, 8);
      await waitUntil(
        async () => (await podsOf(world, run, namespace)).filter(isLive).length === 2,
      );
      const [worker] = await workers();
      // At once, as if its machine had gone.
      await world.core.deleteNamespacedPod({
        namespace,
        name: nameOfPod(worker),
        gracePeriodSeconds: 0,
      });
      await waitUntil(async () => {
        const pods = await workers();
        return pods.some((pod) => nameOfPod(pod) !== nameOfPod(worker) && isLive(pod));
      });
      await assertExact(world, run);
      await assertNothingLeft(world, run, namespace);
      await runKubectl(world.kubernetes, ['delete', 'namespace', namespace, '--wait=false']);
    });
  });
}
