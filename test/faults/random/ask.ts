import { QueryNotRegisteredError, ServiceError } from '@temporalio/client';
import type { WorkflowExecutionStatusName } from '@temporalio/client';
import type { Phase } from '../../../domain/progress.ts';
import { progressOf } from '../../support/clip-run.ts';
import type { ClipRun } from '../../support/clip-run.ts';

/** Where a run is in its story; undefined while Temporal cannot say. */
export async function phaseOf(run: ClipRun): Promise<Phase | undefined> {
  return (await unlessAway(() => progressOf(run)))?.phase;
}

/** Whether it runs or how it ended; undefined while Temporal cannot say. */
export async function statusOf({
  handle,
}: ClipRun): Promise<WorkflowExecutionStatusName | undefined> {
  return (await unlessAway(() => handle.describe()))?.status.name;
}

async function unlessAway<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask();
  } catch (error) {
    // A Temporal worker that was frozen as it answered finds that it took too long, and so does the client, by this name.
    if (error instanceof ServiceError || error instanceof QueryNotRegisteredError) return undefined;
    throw error;
  }
}
