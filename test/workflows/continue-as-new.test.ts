import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { ensurePart } from '../../infra/local/install/part.ts';
import { findTemporalCli } from '../../infra/local/install/temporal-cli.ts';
import { bundleWorkflows, runCase } from './run-case.ts';

/** The server suggests continue-as-new after so many events; by default after thousands. */
const suggestAfterEvents = 60;

let environment: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;

before(async () => {
  const path = await ensurePart(await findTemporalCli());
  [environment, bundle] = await Promise.all([
    TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path },
        extraArgs: [
          '--dynamic-config-value',
          `limit.historyCount.suggestContinueAsNew=${suggestAfterEvents}`,
        ],
      },
    }),
    bundleWorkflows(),
  ]);
});

after(() => environment.teardown());

describe('a run whose history has grown', () => {
  it('goes on in new executions with its counts, and publishes nothing again', async () => {
    const total = 40;
    const run = await runCase(environment, bundle, {
      name: 'long',
      script: {
        total,
        slices: Array.from({ length: total + 1 }, (_, stored) => ({ counts: { stored } })),
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.ok(run.ending.kind === 'completed');
    assert.equal(run.ending.result.stored, total);
    const events = run.history.events?.length ?? 0;
    assert.ok(events < 2 * suggestAfterEvents, `the last execution has ${events} events`);
    const executions = run.history.events?.[0]?.workflowExecutionStartedEventAttributes;
    assert.ok(executions?.continuedExecutionRunId, 'it was continued');
    for (const once of ['preflight', 'snapshotList', 'createQueue', 'publishItems', 'startFleet']) {
      assert.equal(run.calls.filter((name) => name === once).length, 1, once);
    }
    // The run folder is named after the chain's first execution, not the last.
    const firstRunId = executions.firstExecutionRunId ?? '';
    assert.match(
      run.ending.result.runFolder,
      new RegExp(`-${firstRunId.replaceAll('-', '').slice(-12)}/$`),
    );
  });
});
