import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { RunRegistry } from '../../../activities/sweep/run-registry.ts';
import { runName } from '../../../domain/names.ts';
import { ensurePart } from '../../../infra/local/install/part.ts';
import { findTemporalCli } from '../../../infra/local/install/temporal-cli.ts';
import { createRunRegistry } from '../../../workers/temporal/run-registry.ts';
import { uniqueName } from '../../support/unique-name.ts';
import type { chain } from './chain-workflow.ts';

const taskQueue = 'chains';

Runtime.install({ logger: new DefaultLogger('ERROR') });

let environment: TestWorkflowEnvironment;
let registry: RunRegistry;
let worker: Worker;
let working: Promise<void>;
before(async () => {
  const path = await ensurePart(await findTemporalCli());
  environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path } },
  });
  const { nativeConnection: connection, namespace } = environment;
  // As the Temporal worker makes it.
  registry = createRunRegistry(new Client({ connection, namespace }));
  worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('chain-workflow.ts', import.meta.url)),
  });
  working = worker.run();
});
after(async () => {
  worker.shutdown();
  await working;
  await environment.teardown();
});

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof chain>;

/** Starts a workflow of so many executions and resolves when its last one runs. */
async function start(executions: number, workflowId = uniqueName('chain')): Promise<Handle> {
  const { workflow } = environment.client;
  const handle = await workflow.start<typeof chain>('chain', {
    taskQueue,
    workflowId,
    args: [executions - 1],
  });
  const lastRunId = async () => (await handle.describe()).runId;
  if (executions > 1) while ((await lastRunId()) === handle.firstExecutionRunId);
  return handle;
}

const runOf = ({ workflowId, firstExecutionRunId }: Handle) => ({
  name: runName(workflowId, firstExecutionRunId),
  workflowId,
});

/** The moment at which a closed run ended, as the registry says. */
async function closedAt(handle: Handle): Promise<number> {
  const standing = await registry.read(runOf(handle));
  ok(standing.kind === 'closed', standing.kind);
  return standing.atMs;
}

describe('the registry of runs', () => {
  for (const executions of [1, 3]) {
    it(`follows a run of ${executions} executions to its end`, async () => {
      const handle = await start(executions);
      deepEqual(await registry.read(runOf(handle)), { kind: 'open' });
      const sentAtMs = Date.now();
      await environment.client.workflow.getHandle(handle.workflowId).terminate();
      const atMs = await closedAt(handle);
      ok(atMs >= sentAtMs - 1_000 && atMs <= Date.now() + 1_000);
    });
  }

  it('tells a run from another one under its workflow id', async () => {
    const first = await start(2);
    await environment.client.workflow.getHandle(first.workflowId).terminate();
    const second = await start(2, first.workflowId);
    const { startTime } = await environment.client.workflow.getHandle(first.workflowId).describe();
    deepEqual(await registry.read(runOf(second)), { kind: 'open' });
    equal(await closedAt(first), startTime.getTime());
  });

  it('knows nothing of a run that was deleted', async () => {
    const handle = await start(1);
    const { connection } = environment;
    const { namespace } = environment.client.options;
    await connection.workflowService.deleteWorkflowExecution({
      namespace,
      workflowExecution: { workflowId: handle.workflowId, runId: handle.firstExecutionRunId },
    });
    while ((await registry.read(runOf(handle))).kind !== 'unknown');
  });

  it('says for how long runs are known', async () => {
    ok((await registry.readRetentionMs()) >= 24 * 3_600_000);
  });

  it('says nothing when it is asked about a namespace that is not there', async () => {
    const { nativeConnection: connection } = environment;
    const astray = createRunRegistry(new Client({ connection, namespace: 'nowhere' }));
    await rejects(astray.read({ name: 'a-1', workflowId: 'a' }), {
      name: 'NamespaceNotFoundError',
    });
    await rejects(astray.readRetentionMs());
  });
});
