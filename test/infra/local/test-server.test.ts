import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { installTestServer } from '../../../infra/local/test-server.ts';
import { uniqueName } from '../../support/unique-name.ts';

test('the time-skipping server finishes a workflow of a day', { timeout: 120_000 }, async () => {
  const path = await installTestServer();
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  try {
    const taskQueue = uniqueName('day');
    const worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue,
      workflowsPath: new URL('day-workflow.ts', import.meta.url).pathname,
    });
    const before = await environment.currentTimeMs();
    const result = await worker.runUntil(
      environment.client.workflow.execute('day', { taskQueue, workflowId: uniqueName('day') }),
    );
    assert.equal(result, 'a day later');
    assert.ok((await environment.currentTimeMs()) - before >= 24 * 60 * 60 * 1000);
  } finally {
    await environment.teardown();
  }
});
