import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { SweepResult } from '../../domain/sweep.ts';
import type { SweepSpec } from '../../domain/sweep-spec.ts';
import { startDevServer } from './dev-server.ts';
import { runSweep } from './run-sweep.ts';

let environment: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
before(async () => {
  ({ environment, bundle } = await startDevServer());
});
after(() => environment.teardown());

const swept: SweepResult = {
  removed: { runs: 1_200, topics: 3_600, subscriptions: 3_600, fleets: 1 },
  left: {
    open: 2,
    'closed-lately': 0,
    'unknown-lately': 0,
    unmarked: 0,
    unasked: 1,
    unremoved: 0,
  },
  problems: ['run nightly-0123456789ab: deadline exceeded'],
};

describe('sweepRuns', () => {
  it('takes its defaults without input, and says what it did', async () => {
    const asked: SweepSpec[] = [];
    const { result, details, history } = await runSweep(environment, bundle, [], (spec) => {
      asked.push(spec);
      return Promise.resolve(swept);
    });
    assert.deepEqual(result, swept);
    assert.deepEqual(asked, [{ closedForMs: 3_600_000 }]);
    assert.deepEqual(details.split('\n'), [
      '**1,200 runs were cleaned up after**',
      '',
      '| | |',
      '| --- | ---: |',
      '| Removed: topics | 3,600 |',
      '| Removed: subscriptions | 3,600 |',
      '| Removed: fleets | 1 |',
      '| Left: its run goes on | 2 |',
      '| Left: Temporal could not be asked about its run | 1 |',
      '',
      '- run nightly-0123456789ab: deadline exceeded',
    ]);
    await Worker.runReplayHistory({ workflowBundle: bundle }, history);
  });

  for (const { what, input, deleteLeftovers, type, message } of [
    {
      what: 'an input that is wrong',
      input: { closedFr: '1h', unknownFor: '1' },
      type: 'InvalidSweepSpec',
      message:
        /^sweep: "unknownFor" is not a duration .*\nsweep: unknown field "closedFr" — did you mean "closedFor"\?$/,
    },
    {
      what: 'a step that was refused',
      input: { closedFor: '1s' },
      deleteLeftovers: () =>
        Promise.reject(ApplicationFailure.nonRetryable('list topics: permission denied')),
      type: 'StepFailed',
      message: /^deleteLeftovers: list topics: permission denied$/,
    },
  ]) {
    it(`fails in words that a person reads for ${what}`, async () => {
      const { result } = await runSweep(environment, bundle, [input], deleteLeftovers);
      assert.ok('error' in result && result.error instanceof WorkflowFailedError);
      const { cause } = result.error;
      assert.ok(cause instanceof ApplicationFailure);
      assert.equal(cause.type, type);
      assert.match(cause.message, message);
    });
  }
});
