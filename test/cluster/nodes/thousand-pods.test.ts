import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Fleet } from '../../../activities/fleets/fleet.ts';
import { createKubernetesFleet } from '../../../activities/fleets/kubernetes.ts';
import { planFleet } from '../../../activities/fleets/plan-fleet.ts';
import { readSettings } from '../../../workers/temporal/settings.ts';
import { openCluster } from '../../../workers/temporal/open-cluster.ts';
import { newRun, specOf } from '../../activities/world.ts';
import { clusterOf, startClusterStack } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

const world = await startClusterStack();

const nodes = 1_000;
const pods = 1_000;
/** Looks at the fleet; the first one warms up. */
const looks = 10;
/** Scheduling a thousand pods and saying that they run, on two cores. */
const patienceMs = 180_000;

/** What a look or a change of a fleet of that size may cost. */
const limit = { ms: 1_000, bytes: 100 * 1024 * 1024 };

async function timeOf(call: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await call();
  return performance.now() - startMs;
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

// The last of the tests on this cluster: its fake nodes go with it.

/** The fleet as the Temporal worker makes it, in this process, so that its memory can be seen. */
async function openFleet(): Promise<Fleet> {
  const settings = readSettings({ ...world.stack.env, SPOTLOOP_IMAGES: 'localhost/none:1' });
  const { KUBECONFIG } = process.env;
  process.env['KUBECONFIG'] = world.kubernetes.env['KUBECONFIG'];
  try {
    const cluster = await openCluster(settings);
    return createKubernetesFleet({ ...cluster, installation: 'test', projectId: 'test' });
  } finally {
    if (KUBECONFIG === undefined) delete process.env['KUBECONFIG'];
    else process.env['KUBECONFIG'] = KUBECONFIG;
  }
}

export function define(): void {
  describe('a fleet of a thousand pods', { timeout: 400_000 }, () => {
    it('is read and scaled within a second and 100 MB', async (test) => {
      const comingNodes = clusterOf(world).startFakeNodes(nodes);
      const fleet = await openFleet();
      const run = newRun('spotloop-local');
      const spec = specOf({
        items: ['a'],
        destination: 'gs://spotloop-local/thousand/',
        pod: {
          nodeSelector: { type: 'kwok' },
          tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
        },
      });
      await fleet.start(planFleet(run, spec, pods));
      await comingNodes;
      const atRest = process.memoryUsage().rss;
      const startMs = performance.now();
      await waitUntil(async () => {
        const state = await fleet.read(run.name);
        return state.kind === 'running' && state.live === pods;
      }, patienceMs);
      test.diagnostic(
        `${pods} pods run after ${((performance.now() - startMs) / 1000).toFixed(0)} s`,
      );

      const reads: number[] = [];
      let peak = atRest;
      for (let look = 0; look < looks; look += 1) {
        reads.push(await timeOf(() => fleet.read(run.name)));
        peak = Math.max(peak, process.memoryUsage().rss);
      }
      const scaling = await timeOf(() => fleet.scale(run.name, pods / 2));
      test.diagnostic(
        `read ${median(reads).toFixed(0)} ms (longest ${Math.max(...reads).toFixed(0)}), scale ${scaling.toFixed(0)} ms, ${((peak - atRest) / 1024 ** 2).toFixed(0)} MB more`,
      );
      assert.ok(median(reads) < limit.ms, `${reads.join(', ')} ms`);
      assert.ok(scaling < limit.ms, `${scaling} ms`);
      assert.ok(peak - atRest < limit.bytes, `${peak - atRest} bytes`);
      await fleet.stop(run.name);
      assert.deepEqual(await fleet.read(run.name), { kind: 'absent' });
    });
  });
}
