import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { describeError } from '../activities/cloud-error.ts';
import { runFolder, runName } from '../domain/names.ts';
import { staticTextsOf } from '../domain/run-description.ts';
import type { RunSpecInput } from '../domain/run-spec.ts';
import { createStorageClient } from '../workers/process/google-clients.ts';
import { commandName } from './command-name.ts';
import { readNewest } from './find-run.ts';
import { Interrupted } from './interruption.ts';
import { uploadList, uploadedListName } from './list-file.ts';
import type { RunInput } from './run-options.ts';
import { shellWord } from './watch-run.ts';

/** What `spotloop run --json` prints of the start. Public: a field may be added, none renamed. */
export type StartedRun = {
  readonly workflowId: string;
  readonly runId: string;
  readonly runFolder: string;
  readonly taskQueue: string;
  readonly input: RunSpecInput;
};

export type StartOrder = {
  readonly workflowId: string;
  readonly taskQueue: string;
  readonly run: RunInput;
  /** The list's path on this machine; absent where the input holds its address. */
  readonly listFile?: string | undefined;
};

/**
 * Uploads a list of this machine, and starts the run.
 * @throws Error in one line; then there is neither run nor list.
 */
export async function startRun(
  client: Client,
  { workflowId, taskQueue, run, listFile }: StartOrder,
  signal: AbortSignal,
): Promise<StartedRun> {
  // Once more when it is started; but a list that takes minutes to upload is not uploaded in vain.
  if ((await readNewest(client, workflowId))?.isOpen === true) throw goesOn(workflowId);
  const { bucket } = run.spec.destination;
  const start = async (input: RunSpecInput): Promise<StartedRun> => {
    const { firstExecutionRunId: runId } = await client.workflow.start('downloadRun', {
      taskQueue,
      workflowId,
      args: [input],
      ...staticTextsOf(input),
    });
    const folder = runFolder(runName(workflowId, runId)).root;
    return { workflowId, runId, runFolder: `gs://${bucket}/${folder}`, taskQueue, input };
  };
  try {
    if (listFile === undefined) return await start(run.input);
    const storage = createStorageClient();
    const name = uploadedListName(workflowId, new Date());
    await uploadList(storage, listFile, { bucket, name }, signal);
    try {
      signal.throwIfAborted();
      return await start({ ...run.input, items: `gs://${bucket}/${name}` });
    } catch (error) {
      // Only if it is sure that no run reads it: of a broken connection that is not known.
      if (isRefused(error) || signal.aborted) await storage.bucket(bucket).file(name).delete();
      throw error;
    }
  } catch (error) {
    if (signal.aborted) throw new Interrupted('interrupted: nothing was started', { cause: error });
    if (isRefused(error)) throw goesOn(workflowId);
    if (error instanceof Error && error.message.startsWith('upload list ')) throw error;
    throw new Error(`start run "${workflowId}": ${describeError(error)}`, { cause: error });
  }
}

/** Somebody was quicker. */
function isRefused(error: unknown): boolean {
  return error instanceof WorkflowExecutionAlreadyStartedError;
}

function goesOn(workflowId: string): Error {
  return new Error(
    `start run "${workflowId}": a workflow of this id is running — watch it: ${commandName} watch ${shellWord(workflowId)}; or choose another --id`,
  );
}
