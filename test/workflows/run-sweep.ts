import { randomUUID } from 'node:crypto';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { Activities } from '../../activities/index.ts';
import type { SweepResult } from '../../domain/sweep.ts';
import type { sweepRuns } from '../../workflows/index.ts';
import { createWorld } from './world.ts';

/** The recorded history of a sweep. */
export const sweepName = 'swept';

/** What came of a sweep. */
export type SweepRun = {
  readonly result: SweepResult | { readonly error: unknown };
  /** What the Web UI shows of it, Markdown. */
  readonly details: string;
  readonly history: History;
};

/** Runs a sweep whose step answers like this. */
export async function runSweep(
  environment: TestWorkflowEnvironment,
  workflowBundle: WorkflowBundleWithSourceMap,
  input: readonly unknown[],
  deleteLeftovers?: Activities['deleteLeftovers'],
): Promise<SweepRun> {
  const taskQueue = `test-${randomUUID()}`;
  const script = deleteLeftovers === undefined ? {} : { activities: { deleteLeftovers } };
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    namespace: environment.namespace,
    taskQueue,
    workflowBundle,
    activities: createWorld(script).activities,
  });
  return worker.runUntil(async () => {
    const handle = await environment.client.workflow.start<typeof sweepRuns>('sweepRuns', {
      taskQueue,
      workflowId: `sweep-${randomUUID()}`,
      args: input as [unknown],
    });
    const result = await handle.result().catch((error: unknown) => ({ error }));
    const { currentDetails } = await handle.query<{ currentDetails: string }>(
      '__temporal_workflow_metadata',
    );
    return { result, details: currentDetails, history: await handle.fetchHistory() };
  });
}
