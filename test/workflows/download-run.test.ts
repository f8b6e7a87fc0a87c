import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { createSearchAttributes } from '../../workers/temporal/search-attributes.ts';
import { startDevServer } from './dev-server.ts';
import { endingCases } from './endings.ts';
import { runCase } from './run-case.ts';
import type { CaseRun } from './run-case.ts';

let environment: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;

before(async () => {
  ({ environment, bundle } = await startDevServer());
  const { connection, client } = environment;
  await createSearchAttributes({ connection, namespace: client.options.namespace });
});

after(() => environment.teardown());

describe('downloadRun', () => {
  for (const endingCase of endingCases) {
    it(`ends ${endingCase.name.replaceAll('-', ' ')}, and replays`, async () => {
      const run = await runCase(environment, bundle, endingCase);
      assertEnding(run, endingCase.expected);
      assertInOrder(run.calls, endingCase.calls);
      for (const name of endingCase.neverCalled ?? []) {
        assert.ok(!run.calls.includes(name), `${name} was called`);
      }
      await Worker.runReplayHistory({ workflowBundle: bundle }, run.history, run.workflowId);
    });
  }
});

function assertEnding(
  { ending }: CaseRun,
  expected: (typeof endingCases)[number]['expected'],
): void {
  if (expected.kind === 'completed') {
    assert.equal(
      ending.kind,
      'completed',
      ending.kind === 'failed' ? String(ending.error.cause) : '',
    );
    const { total, stored, skipped, failed, quarantined, gone } = ending.result;
    assert.equal(
      stored + skipped + failed + quarantined + gone,
      total,
      'the counts add up to the total',
    );
    return;
  }
  assert.equal(ending.kind, 'failed');
  const { cause } = ending.error;
  if (expected.kind === 'cancelled') {
    assert.ok(cause instanceof CancelledFailure, String(cause));
    return;
  }
  assert.ok(cause instanceof ApplicationFailure, String(cause));
  assert.equal(cause.type, expected.type);
  assert.match(cause.message, expected.message);
  assert.ok(cause.nonRetryable);
}

function assertInOrder(calls: readonly string[], expected: readonly string[]): void {
  let from = 0;
  for (const name of expected) {
    const at = calls.indexOf(name, from);
    assert.notEqual(
      at,
      -1,
      `${name} is missing after ${calls.slice(0, from).join(', ')} in ${calls.join(', ')}`,
    );
    from = at + 1;
  }
}
