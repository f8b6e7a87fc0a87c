import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { BatchV1Api, KubeConfig, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import type { Finding } from '../../../cli/doctor/finding.ts';
import { startControlPlane } from '../../../infra/local/cluster/control-plane.ts';
import type { ControlPlane } from '../../../infra/local/cluster/control-plane.ts';
import { installCluster } from '../../../infra/local/cluster/install-cluster.ts';
import { runKubectl } from '../../../infra/local/kubernetes-fleet.ts';
import { spotloopWith } from '../../support/spotloop.ts';

/** What `spotloop doctor` says of a cluster, by a real API server; it asks no node, so there is none. */

const namespace = 'bulk';
const role = 'spotloop-temporal-worker';
/** Somebody who has no rights but those that are bound here. */
const worker = { name: 'worker', subject: '/CN=somebody' };
const manifests = fileURLToPath(new URL('../../../k8s', import.meta.url));

let folder: string;
let plane: ControlPlane;
let asWorker: string;
let rights: RbacAuthorizationV1Api;
let batch: BatchV1Api;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotloop-doctor-cluster-'));
  const { kubernetesFolder } = await installCluster(() => {});
  plane = await startControlPlane({
    folder,
    logFolder: join(folder, 'logs'),
    kubernetesFolder,
    identities: [worker],
  });
  asWorker = await plane.writeKubeconfig(worker.name);
  const place = { kubectl: join(kubernetesFolder, 'kubectl'), kubeconfig: plane.kubeconfig };
  await runKubectl(place, ['create', 'namespace', namespace]);
  const files = ['service-accounts.yaml', 'rbac.yaml'].flatMap((file) => [
    '-f',
    join(manifests, file),
  ]);
  await runKubectl(place, ['apply', '-n', namespace, ...files]);
  const binding = ['create', 'rolebinding', 'somebody', `--role=${role}`, '--user=somebody'];
  await runKubectl(place, [...binding, '-n', namespace]);
  const config = new KubeConfig();
  config.loadFromFile(plane.kubeconfig);
  rights = config.makeApiClient(RbacAuthorizationV1Api);
  batch = config.makeApiClient(BatchV1Api);
});

after(async () => {
  await plane.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The findings about the cluster; nothing else is there. */
async function examine(env: Readonly<Record<string, string>> = {}): Promise<readonly Finding[]> {
  const spotloop = spotloopWith({
    HOME: folder,
    KUBECONFIG: asWorker,
    SPOTLOOP_NAMESPACE: namespace,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    ...env,
  });
  const { stdout, stderr } = await spotloop.run('doctor', '--json');
  assert.equal(stderr, '');
  const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
  return findings.filter(({ part }) => part === 'cluster');
}

describe('spotloop doctor, of a cluster,', { concurrency: 1 }, () => {
  it('finds nothing wrong with what k8s/ sets up', async () => {
    const [finding, ...others] = await examine();
    assert.deepEqual([finding?.state, others], ['ok', []], finding?.text);
    assert.match(
      finding?.text ?? '',
      /^https:\/\/127\.0\.0\.1:\d+, Kubernetes v1\.34\.4: a run's Job would be taken in namespace bulk$/,
    );
  });

  it('names a namespace that is not there', async () => {
    const [finding] = await examine({ KUBECONFIG: plane.kubeconfig, SPOTLOOP_NAMESPACE: 'moon' });
    assert.equal(finding?.state, 'wrong');
    assert.match(finding.text, /namespaces "moon" not found/);
    assert.equal(finding.mend, 'create the namespace, or correct SPOTLOOP_NAMESPACE');
  });

  it('names each right that is lacking', async () => {
    const granted = await rights.readNamespacedRole({ namespace, name: role });
    const all = structuredClone(granted.rules ?? []);
    granted.rules = all.filter(({ resources }) => !resources?.includes('events'));
    await rights.replaceNamespacedRole({ namespace, name: role, body: granted });
    const [finding] = await examine();
    assert.equal(finding?.state, 'wrong');
    assert.match(finding.text, /may not list events$/);
    assert.equal(finding.mend, 'apply k8s/rbac.yaml');
    const now = await rights.readNamespacedRole({ namespace, name: role });
    now.rules = all;
    await rights.replaceNamespacedRole({ namespace, name: role, body: now });
    assert.equal((await examine())[0]?.state, 'ok');
  });

  it('names a missing right to make Jobs, and leaves none behind', async () => {
    await rights.deleteNamespacedRoleBinding({ namespace, name: 'somebody' });
    const [finding] = await examine();
    assert.equal(finding?.state, 'wrong');
    assert.match(finding.text, /^create Job .*forbidden \(403\): .*cannot patch resource "jobs"/);
    assert.equal(finding.mend, 'apply k8s/rbac.yaml');
    const { items } = await batch.listNamespacedJob({ namespace });
    assert.deepEqual(items, []);
  });

  it('names an API server that is away', async () => {
    await plane.stopApiServer();
    const [finding] = await examine();
    assert.equal(finding?.state, 'wrong');
    assert.match(finding.text, /^ask https:\/\/127\.0\.0\.1:\d+ for its version: /);
    assert.match(finding.mend ?? '', /^check that the API server can be reached/);
    await plane.startApiServer();
  });
});
