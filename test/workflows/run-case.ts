import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { WorkflowFailedError } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, bundleWorkflowCode } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { RunResult } from '../../domain/progress.ts';
import type { downloadRun } from '../../workflows/index.ts';
import type { EndingCase } from './endings.ts';
import { createWorld } from './world.ts';

export const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));

/** What came of a case. */
export type CaseRun = {
  readonly workflowId: string;
  readonly calls: readonly string[];
  readonly ending:
    | { readonly kind: 'completed'; readonly result: RunResult }
    | { readonly kind: 'failed'; readonly error: WorkflowFailedError };
  readonly history: History;
};

/** Workers tell of each change of state, which a test's output has no place for, and of each failure that a test asks for. */
Runtime.install({ logger: new DefaultLogger('ERROR') });

/** Bundles the workflow code once for many workers. */
export function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
}

/** Until something is so; looked at this often, ms. */
const lookEveryMs = 20;

export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(lookEveryMs);
}

/** Runs a case's workflow with its world on a worker of its own. */
export async function runCase(
  environment: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  endingCase: EndingCase,
): Promise<CaseRun> {
  const world = createWorld(endingCase.script);
  const taskQueue = `test-${randomUUID()}`;
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    namespace: environment.namespace,
    taskQueue,
    workflowBundle,
    activities: world.activities,
    maxHeartbeatThrottleInterval: '50ms',
    defaultHeartbeatThrottleInterval: '50ms',
  });
  const input = { items: ['a'], destination: 'gs://b-1/videos/', ...endingCase.input };
  return worker.runUntil(async () => {
    const workflowId = endingCase.workflowId ?? `${endingCase.name}-${randomUUID()}`;
    const handle = await environment.client.workflow.start<typeof downloadRun>('downloadRun', {
      taskQueue,
      workflowId,
      args: [input],
    });
    if (endingCase.meanwhile !== undefined) {
      await until(() => world.calls.includes(endingCase.when ?? 'collectOutcomes'));
      await endingCase.meanwhile(handle);
    }
    const ending = await handle.result().then(
      (result) => ({ kind: 'completed' as const, result }),
      (error: unknown) => {
        if (!(error instanceof WorkflowFailedError)) throw error;
        return { kind: 'failed' as const, error };
      },
    );
    return { workflowId, calls: world.calls, ending, history: await handle.fetchHistory() };
  });
}
