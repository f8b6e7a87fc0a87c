import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { SweepResult } from '../../../domain/sweep.ts';
import type { sweepRuns } from '../../../workflows/index.ts';
import { startRun, untilSettled } from '../../support/clip-run.ts';
import { jobsOf } from '../../support/cluster-pods.ts';
import { assertNothingLeft } from '../../support/cluster-run.ts';
import { addCorner, startClusterStack } from '../../support/cluster-stack.ts';
import type { Corner } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';
import { uniqueName } from '../../support/unique-name.ts';

const world = await startClusterStack();

export function define(): void {
  describe('a run that was terminated', { timeout: 400_000 }, () => {
    let corner: Corner;
    before(async () => {
      corner = await addCorner(world, 'terminated');
    });
    after(() => corner.stop());

    const sweep = (): Promise<SweepResult> =>
      world.client.workflow.execute<typeof sweepRuns>('sweepRuns', {
        taskQueue: corner.taskQueue,
        workflowId: uniqueName('sweep'),
        args: [{ closedFor: '1s' }],
      });

    it('leaves its Job and its queue to the sweep, which leaves those of a run that goes on', async () => {
      const list = { count: 30, seconds: 1 };
      const run = await startRun(world, 'terminated', list, { corner });
      const other = await startRun(world, 'untouched', list, { corner });
      await Promise.all([untilSettled(run, 2), untilSettled(other, 2)]);
      await run.handle.terminate();
      await waitUntil(async () => (await sweep()).removed.fleets === 1);
      await assertNothingLeft(world, run, corner.namespace);
      assert.equal((await jobsOf(world, other, corner.namespace)).length, 1);
      assert.equal((await other.handle.result()).stored, list.count);
    });
  });
}
