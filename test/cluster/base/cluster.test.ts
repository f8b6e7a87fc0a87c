import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { V1Container, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { startCluster } from '../../../infra/local/cluster/cluster.ts';
import type { Cluster, ClusterNode } from '../../../infra/local/cluster/cluster.ts';
import { clearLeftovers } from '../../../infra/local/cluster/leftovers.ts';
import { lockMachine } from '../../../infra/local/cluster/machine-lock.ts';
import { waitUntil } from '../../../infra/local/cluster/wait-until.ts';
import { listProcessesIn, readMachineState } from '../../infra/local/cluster/machine-state.ts';
import { writeShellImage } from '../../infra/local/cluster/shell-image.ts';
import { uniqueName } from '../../support/unique-name.ts';

/** The cluster itself, without anything of Spotloop on it. Needs root, and a machine with no other cluster. */

const image = 'localhost/shell:test';
const namespace = 'default';
/** What waits for SIGTERM and then needs a second to end, as a good pod does. */
const patient =
  'trap "echo told; sleep 1; echo saved; exit 143" TERM; echo up; while :; do sleep 0.1; done';

let folder: string;
let stateBefore: Record<string, unknown>;
let cluster: Cluster;
let api: CoreV1Api;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotloop-cluster-'));
  // What a killed one left is not for this one to be blamed for.
  const unlock = await lockMachine(folder);
  await clearLeftovers(folder);
  await unlock();
  await writeShellImage(join(folder, 'shell.tar'), image);
  stateBefore = await readMachineState();
  await start([]);
  await cluster.importImage(join(folder, 'shell.tar'));
});

after(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(images: string[]): Promise<void> {
  cluster = await startCluster({ folder: join(folder, 'c'), report, images });
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  api = config.makeApiClient(CoreV1Api);
}

function report(line: string): void {
  process.stderr.write(`${line}\n`);
}

function nodeOf(index: number): ClusterNode {
  const node = cluster.nodes[index];
  assert.ok(node !== undefined);
  return node;
}

/** Starts a pod with one container that runs a shell's script, on the first node by default, and gives back its name. */
async function startPod(
  script: string,
  spec: Partial<V1PodSpec> = {},
  container: Partial<V1Container> = {},
): Promise<string> {
  const name = uniqueName('pod');
  await api.createNamespacedPod({
    namespace,
    body: {
      metadata: { name },
      spec: {
        restartPolicy: 'Never',
        dnsPolicy: 'Default',
        terminationGracePeriodSeconds: 5,
        containers: [{ name: 'main', image, args: [script], ...container }],
        ...onNode(nodeOf(0)),
        ...spec,
      },
    },
  });
  return name;
}

function untilPod(name: string, doing: string, isFit: (pod: V1Pod) => boolean): Promise<V1Pod> {
  return waitUntil({ doing: `wait for ${name} to be ${doing}`, timeoutMs: 40_000 }, async () => {
    const pod = await api.readNamespacedPod({ name, namespace });
    return isFit(pod) && pod;
  });
}

const untilPhase = (name: string, phase: string): Promise<V1Pod> =>
  untilPod(name, phase, ({ status }) => status?.phase === phase);

async function kubectl(...args: string[]): Promise<string> {
  const config = `--kubeconfig=${cluster.kubeconfig}`;
  return (await promisify(execFile)(cluster.kubectl, [config, ...args])).stdout;
}

function onNode({ name }: ClusterNode): Partial<V1PodSpec> {
  return { nodeSelector: { 'kubernetes.io/hostname': name } };
}

function endOf({ status }: V1Pod) {
  return status?.containerStatuses?.[0]?.state?.terminated;
}

async function listNodes(labelSelector?: string): Promise<string[]> {
  const { items } = await api.listNode({ labelSelector });
  return items.map(({ metadata }) => metadata?.name ?? '').toSorted();
}

async function assertNothingLeft(): Promise<void> {
  assert.deepEqual(await listProcessesIn(folder), []);
  assert.deepEqual(await readMachineState(), stateBefore);
  assert.deepEqual(await readdir(join(folder, 'c')), ['logs']);
}

describe('a cluster', { timeout: 300_000 }, () => {
  describe('of two nodes', { concurrency: true }, () => {
    test('runs a pod that has a token, gives its log, and lets a command in', async () => {
      const token = '/var/run/secrets/kubernetes.io/serviceaccount/token';
      const name = await startPod(`test -s ${token} && echo has a token; exec sleep 60`);
      await untilPhase(name, 'Running');
      assert.equal(await kubectl('logs', name), 'has a token\n');
      assert.equal(await kubectl('exec', name, '--', 'sh', '-c', 'echo $((6 * 7))'), '42\n');
    });

    test('has nodes that look like Spot nodes', async () => {
      assert.deepEqual(await listNodes('cloud.google.com/gke-spot=true'), ['node1', 'node2']);
    });

    test('kills a container that takes more memory than it may', async () => {
      const resources = { limits: { memory: '32Mi' } };
      const name = await startPod('exec tail /dev/zero', {}, { resources });
      const end = endOf(await untilPhase(name, 'Failed'));
      assert.deepEqual([end?.reason, end?.exitCode], ['OOMKilled', 137]);
    });

    test('keeps the message that a container leaves when it ends', async () => {
      const name = await startPod('echo wrong setting >/dev/termination-log; exit 64');
      const end = endOf(await untilPhase(name, 'Failed'));
      assert.deepEqual([end?.message, end?.exitCode], ['wrong setting\n', 64]);
    });

    test('evicts a pod that fills its emptyDir over the limit', async () => {
      const name = await startPod(
        'tail -c 20000000 /dev/zero >/full/file; exec sleep 60',
        { volumes: [{ name: 'full', emptyDir: { sizeLimit: '10Mi' } }] },
        { volumeMounts: [{ name: 'full', mountPath: '/full' }] },
      );
      const { status } = await untilPhase(name, 'Failed');
      assert.equal(status?.reason, 'Evicted');
    });

    test('loses a node without a word, and gets it back as a new one', async () => {
      const node = nodeOf(1);
      const name = await startPod(patient, onNode(node));
      await untilPhase(name, 'Running');
      const { metadata: old } = await api.readNode({ name: node.name });
      await node.vanish();
      const doing = `wait for ${node.name} to be missed`;
      await waitUntil({ doing, timeoutMs: 30_000 }, async () => {
        const { status } = await api.readNode({ name: node.name });
        return status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'Unknown';
      });
      await node.start();
      const { metadata } = await api.readNode({ name: node.name });
      assert.notEqual(metadata?.uid, old?.uid);
      await assert.rejects(api.readNamespacedPod({ name, namespace }), /404/);
      await untilPhase(await startPod('exit 0', onNode(node)), 'Succeeded');
    });
  });

  test('is the only one on its machine', async () => {
    await assert.rejects(
      startCluster({ folder: join(folder, 'other'), report }),
      new RegExp(
        `one is running on this machine already \\(process ${process.pid} in ${folder}/c\\)`,
      ),
    );
  });

  test('leaves nothing when it is stopped', async () => {
    await untilPhase(await startPod(patient), 'Running');
    await cluster.stop();
    await assertNothingLeft();
  });

  test('is cleaned away by the next one when its process was killed', async () => {
    const killed = spawn(
      process.execPath,
      ['--input-type=module', '--eval', startAndWait, join(folder, 'killed')],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    // `null` when it failed to start: then its reason is on stderr.
    const [line] = (await Promise.race([once(killed.stdout, 'data'), once(killed, 'exit')])) as [
      unknown,
    ];
    assert.equal(String(line), 'up\n');
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    await start([join(folder, 'shell.tar')]);
    assert.deepEqual(await listProcessesIn(join(folder, 'killed')), []);
    assert.deepEqual(await readdir(join(folder, 'killed')), ['logs']);
    await untilPhase(await startPod('exit 0'), 'Succeeded');
    await cluster.stop();
    await assertNothingLeft();
  });
});

const clusterFile = new URL('../../../infra/local/cluster/cluster.ts', import.meta.url).href;
const startAndWait = `
import { startCluster } from ${JSON.stringify(clusterFile)};
await startCluster({ folder: process.argv[1], report: () => {} });
process.stdout.write('up\\n');
setInterval(() => {}, 1000);
`;
