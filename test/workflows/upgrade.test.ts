import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { RunResult } from '../../domain/progress.ts';
import { deploymentOptions } from '../../workers/temporal/deployment-options.ts';
import type { downloadRun } from '../../workflows/index.ts';
import { uniqueName } from '../support/unique-name.ts';
import { startDevServer } from './dev-server.ts';
import { until } from './run-case.ts';
import { createWorld } from './world.ts';

/** Worker Deployment Versioning: a new version of the Temporal worker comes while runs are under way. */

const total = 100;

let environment: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;

before(async () => {
  ({ environment, bundle } = await startDevServer());
});

after(() => environment.teardown());

/** A deployment of its own for each test, which is its task queue too. */
let name: string;
/** The versions that collected for each run, by its workflow id, in order. */
let seen: Map<string | undefined, string[]>;
/** From now on collectors find that all is settled. */
let isSettled: boolean;

beforeEach(() => {
  name = uniqueName('upgrade');
  seen = new Map();
  isSettled = false;
});

function seenOf(workflowId: string): readonly string[] {
  return seen.get(workflowId) ?? [];
}

async function startWorker(buildId: string): Promise<AsyncDisposable> {
  const { activities } = createWorld({ total });
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue: name,
    workflowBundle: bundle,
    activities: {
      ...activities,
      collectOutcomes: async (input: Parameters<typeof activities.collectOutcomes>[0]) => {
        const { workflowId } = input.run;
        seen.set(workflowId, [...seenOf(workflowId), buildId]);
        const sample = await activities.collectOutcomes(input);
        const stored = isSettled ? total : 1;
        return { ...sample, counts: { ...sample.counts, stored } };
      },
    },
    ...deploymentOptions({ TEMPORAL_DEPLOYMENT_NAME: name, TEMPORAL_WORKER_BUILD_ID: buildId }),
  });
  const running = worker.run();
  return {
    [Symbol.asyncDispose]: async () => {
      worker.shutdown();
      await running;
    },
  };
}

/** New runs begin on this version; the server knows of it once its Temporal worker has polled. */
async function makeCurrent(buildId: string): Promise<void> {
  const { client } = environment;
  const { namespace } = client.options;
  const order = { namespace, deploymentName: name, buildId };
  await until(() =>
    client.workflowService.setWorkerDeploymentCurrentVersion(order).then(
      () => true,
      () => false,
    ),
  );
}

function startRun(workflowId: string) {
  return environment.client.workflow.start<typeof downloadRun>('downloadRun', {
    taskQueue: name,
    workflowId,
    args: [{ items: ['a'], destination: 'gs://b-1/videos/' }],
  });
}

describe('a run whose Temporal worker has a newer version', { timeout: 60_000 }, () => {
  it('finishes on the one that it began with, and new runs begin on the new', async () => {
    await using workers = new AsyncDisposableStack();
    workers.use(await startWorker('a'));
    await makeCurrent('a');
    const old = await startRun(`${name}-old`);
    await until(() => seenOf(old.workflowId).length >= 2);
    workers.use(await startWorker('b'));
    await makeCurrent('b');
    const fresh = await startRun(`${name}-fresh`);
    await until(() => seenOf(fresh.workflowId).length >= 2);
    const seenThen = seenOf(old.workflowId).length;
    await until(() => seenOf(old.workflowId).length > seenThen + 1);
    isSettled = true;
    const results: RunResult[] = await Promise.all([old.result(), fresh.result()]);
    assert.deepEqual(
      results.map(({ stored }) => stored),
      [total, total],
    );
    assert.deepEqual([...new Set(seenOf(old.workflowId))], ['a']);
    assert.deepEqual([...new Set(seenOf(fresh.workflowId))], ['b']);
  });

  it('goes on on the new one when it is told to', async () => {
    await using workers = new AsyncDisposableStack();
    workers.use(await startWorker('a'));
    await makeCurrent('a');
    const run = await startRun(name);
    await until(() => seenOf(name).length >= 2);
    workers.use(await startWorker('b'));
    await makeCurrent('b');
    const { namespace } = environment.client.options;
    await environment.client.workflowService.updateWorkflowExecutionOptions({
      namespace,
      workflowExecution: { workflowId: name },
      updateMask: { paths: ['versioning_override'] },
      workflowExecutionOptions: { versioningOverride: { autoUpgrade: true } },
    });
    await until(() => seenOf(name).includes('b'));
    isSettled = true;
    const { stored }: RunResult = await run.result();
    assert.equal(stored, total);
    assert.deepEqual([...new Set(seenOf(name))], ['a', 'b']);
  });
});
