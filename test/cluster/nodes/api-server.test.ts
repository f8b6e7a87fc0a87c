import { after, before, describe, it } from 'node:test';
import {
  assertExact,
  clusterOf,
  progressOf,
  startClusterStack,
  startRun,
  stopClusterStack,
  untilLive,
  untilSettled,
} from '../../support/cluster-stack.ts';
import type { ClusterStack } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

/** A cluster whose API server is away: what runs goes on, and what has to be done there is done later. */

let world: ClusterStack;
before(async () => {
  world = await startClusterStack();
});
after(() => stopClusterStack());

describe('a run whose API server is away', { timeout: 240_000 }, () => {
  it('does not notice a restart', async () => {
    const run = await startRun(world, 'api-restart', { count: 60, seconds: 2 }, { workers: 2 });
    await untilLive(world, run, 2);
    await clusterOf(world).stopApiServer();
    await clusterOf(world).startApiServer();
    await assertExact(world, run);
  });

  it('goes on collecting, says that the cluster is silent, and cleans up when it is back', async () => {
    const run = await startRun(world, 'api-away', { count: 120, seconds: 2 }, { workers: 2 });
    await untilLive(world, run, 2);
    await clusterOf(world).stopApiServer();
    try {
      await waitUntil(async () => (await progressOf(run)).fleet?.kind === 'unknown');
      await untilSettled(run, run.keys.length);
      await waitUntil(async () => {
        const { phase, state } = await progressOf(run);
        return phase === 'cleaning-up' && /not yet with success: .*ECONNREFUSED/.test(state);
      });
    } finally {
      await clusterOf(world).startApiServer();
    }
    await assertExact(world, run);
  });
});
