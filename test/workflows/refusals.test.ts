import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import type { downloadRun } from '../../workflows/index.ts';
import {
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  scaleUpdate,
  setRateLimitUpdate,
} from '../../workflows/messages.ts';
import { startDevServer } from './dev-server.ts';
import { refusalOf } from './refusal-of.ts';
import { runCase, until } from './run-case.ts';
import { untilCancelled } from './world.ts';

/** Messages that a run has no use for: it says so, and goes on as it would. */

let environment: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
before(async () => {
  ({ environment, bundle } = await startDevServer());
});
after(() => environment.teardown());

/** What each of the messages is answered with. */
async function answers(run: WorkflowHandle<typeof downloadRun>): Promise<string[]> {
  return [
    await refusalOf(run.executeUpdate(pauseUpdate)),
    await refusalOf(run.executeUpdate(scaleUpdate, { args: [2] })),
    await refusalOf(run.executeUpdate(resumeUpdate)),
    await refusalOf(run.executeUpdate(setRateLimitUpdate, { args: [60] })),
  ];
}

const none = (phase: string, when: 'yet' | 'any more') =>
  `the run is in phase "${phase}", it has no downloaders to steer ${when}`;

describe('a run without downloaders refuses to be steered', { concurrency: true }, () => {
  for (const [step, phase, when] of [
    ['preflight', 'preflight', 'yet'],
    ['snapshotList', 'snapshot', 'yet'],
    ['createQueue', 'queue', 'yet'],
    ['stopFleet', 'cleaning-up', 'any more'],
    ['deleteQueue', 'cleaning-up', 'any more'],
    ['writeReport', 'reporting', 'any more'],
  ] as const) {
    it(`in ${step}`, async () => {
      const { promise: steered, resolve } = Promise.withResolvers<void>();
      const activities = {
        [step]: async () => {
          await steered;
          // What preflight and snapshot are asked for; the others for nothing.
          const snapshot = { total: 1, published: 0, duplicates: 0, blankLines: 0 };
          return { ...snapshot, searchAttributes: [] };
        },
      } as Partial<Activities>;
      const { ending } = await runCase(environment, bundle, {
        name: `refusing-${step.toLowerCase()}`,
        script: { activities },
        when: step,
        meanwhile: async (run) => {
          const refused = none(phase, when);
          const rate =
            when === 'yet'
              ? 'done'
              : `the run is in phase "${phase}", it publishes nothing any more`;
          const answered = await answers(run).finally(resolve);
          assert.deepEqual(answered, [refused, refused, 'the run is not paused', rate]);
        },
        expected: { kind: 'completed' },
        calls: [],
      });
      assert.equal(ending.kind, 'completed');
    });
  }
});

describe('a run that is being cancelled', () => {
  it('refuses to be steered, and is cleaned up after', async () => {
    const { promise: steered, resolve } = Promise.withResolvers<void>();
    const { ending, calls } = await runCase(environment, bundle, {
      name: 'refusing-when-cancelled',
      script: {
        slices: [{ counts: { stored: 1 } }],
        activities: {
          // It takes its time to end.
          publishItems: () =>
            untilCancelled().catch(async (error: unknown) => {
              await steered;
              throw error;
            }),
        },
      },
      when: 'publishItems',
      meanwhile: async (run) => {
        await run.cancel();
        await until(async () => (await run.query(progressQuery)).phase === 'cleaning-up');
        const [pause, scale, , rate] = await answers(run).finally(resolve);
        const refused = 'the run is being cancelled';
        assert.deepEqual([pause, scale, rate], [refused, refused, refused]);
      },
      expected: { kind: 'cancelled' },
      calls: [],
    });
    assert.equal(ending.kind, 'failed');
    assert.equal(calls.at(-1), 'writeReport');
  });
});
