import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { ensurePart } from '../../infra/local/install/part.ts';
import { findTestServer } from '../../infra/local/install/test-server.ts';
import { bundleWorkflows, runCase } from './run-case.ts';

/** Hours and days of waiting, which the time-skipping server skips. */

const hourMs = 3_600_000;

let environment: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;

before(async () => {
  const path = await ensurePart(await findTestServer());
  [environment, bundle] = await Promise.all([
    TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    }),
    bundleWorkflows(),
  ]);
});

after(() => environment.teardown());

/** An activity of a cloud that is away until `hours` after its first call. */
function awayFor(hours: number): () => Promise<void> {
  let backAtMs: number | null = null;
  return async () => {
    const nowMs = await environment.currentTimeMs();
    backAtMs ??= nowMs + hours * hourMs;
    if (nowMs < backAtMs) throw new Error('unavailable (503)');
  };
}

describe('a cloud that is away', () => {
  it('delays a run by an hour and does not end it', async () => {
    const run = await runCase(environment, bundle, {
      name: 'queue-away',
      script: { activities: { createQueue: awayFor(1) } },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.ok(run.ending.kind === 'completed');
    assert.ok(run.ending.result.seconds >= 3_600, `${run.ending.result.seconds} s`);
    const tries = run.calls.filter((name) => name === 'createQueue').length;
    // Pauses of half a minute: it is asked often enough to be found soon, seldom enough not to be a burden.
    assert.ok(tries > 100 && tries < 130, `${tries} tries`);
  });

  it('delays the clean-up by hours', async () => {
    const run = await runCase(environment, bundle, {
      name: 'clean-up-delayed',
      script: { activities: { deleteQueue: awayFor(5) } },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.equal(run.ending.kind, 'completed');
  });

  it('ends the clean-up after a day, with what is left named and the report written', async () => {
    const run = await runCase(environment, bundle, {
      name: 'clean-up-given-up',
      script: { activities: { deleteQueue: awayFor(48) } },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.ok(run.ending.kind === 'failed');
    const { cause } = run.ending.error;
    assert.ok(cause instanceof ApplicationFailure && cause.type === 'CleanUpFailed');
    assert.match(cause.message, /^delete queue: /);
    assert.equal(run.calls.at(-1), 'writeReport');
  });

  it('does not hide why the run failed before', async () => {
    const refuse = (type: string) => () =>
      Promise.reject(ApplicationFailure.nonRetryable('forbidden (403)', type));
    const run = await runCase(environment, bundle, {
      name: 'failed-and-left',
      script: {
        slices: [{ counts: {} }],
        activities: { readFleet: refuse('FleetFailed'), deleteQueue: refuse('StepFailed') },
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.ok(run.ending.kind === 'failed');
    const { cause } = run.ending.error;
    assert.ok(cause instanceof ApplicationFailure && cause.type === 'FleetFailed');
    assert.equal(
      cause.message,
      'forbidden (403) — besides, could not delete queue: forbidden (403)',
    );
  });
});
