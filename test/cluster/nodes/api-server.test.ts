import { describe, it } from 'node:test';
import { untilLive } from '../../support/cluster-pods.ts';
import { hurry, progressOf, startRun, untilSettled } from '../../support/clip-run.ts';
import { assertExact } from '../../support/cluster-run.ts';
import { clusterOf, startClusterStack } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

/** A cluster whose API server is away: what runs goes on, and what has to be done there is done later. */

const world = await startClusterStack();

export function define(): void {
  describe('a run whose API server is away', { timeout: 240_000 }, () => {
    it('survives a restart, goes on collecting without one, and cleans up when it is back', async () => {
      const cluster = clusterOf(world);
      const run = await startRun(
        world,
        'api-server',
        { count: 100, seconds: 4 },
        { workers: 2, concurrency: 2 },
      );
      await untilLive(world, run, 2);
      await cluster.startApiServer();
      await waitUntil(async () => (await progressOf(run)).fleet?.kind === 'running');
      await cluster.stopApiServer();
      try {
        await waitUntil(async () => (await progressOf(run)).fleet?.kind === 'unknown');
        const { settled } = await progressOf(run);
        await untilSettled(run, settled + 1);
        await hurry(world, run);
        await untilSettled(run, run.keys.length);
        await waitUntil(async () => {
          const { phase, state } = await progressOf(run);
          return phase === 'cleaning-up' && /not yet with success: .*ECONNREFUSED/.test(state);
        });
      } finally {
        await cluster.startApiServer();
      }
      await assertExact(world, run);
    });
  });
}
