import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { runFoldersPrefix, runName } from '../domain/names.ts';
import { parseRunSpec } from '../domain/run-spec.ts';
import type { RunPlace } from './run-folder.ts';
import { parseRunFolder } from './run-folder.ts';

/** A workflow id's newest execution. */
export type Newest = {
  readonly runId: string;
  readonly isOpen: boolean;
  readonly taskQueue: string;
  /** The workflow type's name. */
  readonly type: string;
};

/** Null when Temporal does not know the workflow id. */
export async function readNewest(client: Client, workflowId: string): Promise<Newest | null> {
  try {
    const { runId, closeTime, taskQueue, type } = await client.workflow
      .getHandle(workflowId)
      .describe();
    return { runId, isOpen: closeTime === undefined, taskQueue, type };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/**
 * The latest run of a workflow id, ended or not.
 * @throws Error in one line when there is none.
 */
export async function openRun(client: Client, workflowId: string): Promise<WorkflowHandle> {
  const newest = await readNewest(client, workflowId);
  if (newest === null) throw unknownRun(client, workflowId, 'see: temporal workflow list');
  if (newest.type !== 'downloadRun') throw notARun(workflowId, newest.type);
  return client.workflow.getHandle(workflowId);
}

function unknownRun(client: Client, workflowId: string, wayOut: string): Error {
  return new Error(
    `find run "${workflowId}": Temporal knows no such workflow (any more) in namespace ${client.options.namespace} — ${wayOut}`,
  );
}

function notARun(workflowId: string, type: string): Error {
  return new Error(`find run "${workflowId}": it is a workflow "${type}", not a run`);
}

/**
 * The folder of the ended run that a person means: its address, or the workflow id whose latest run it is.
 * @throws Error in one line when there is none.
 */
export async function findRun(client: Client, text: string): Promise<RunPlace> {
  if (text.startsWith('gs://')) return parseRunFolder(text);
  const newest = await readNewest(client, text);
  if (newest === null) {
    throw unknownRun(client, text, `give its run folder, gs://BUCKET/${runFoldersPrefix}RUN/`);
  }
  if (newest.isOpen) throw goesOn(text);
  const { firstRunId, input } = await readStart(client, text, newest.runId);
  const parsed = parseRunSpec(input);
  if (parsed.kind === 'invalid') {
    throw new Error(`find run "${text}": its input was refused, it did nothing — start it anew`);
  }
  return { bucket: parsed.spec.destination.bucket, run: runName(text, firstRunId) };
}

/** A run that goes on does itself what is left. */
export function goesOn(workflowId: string): Error {
  return new Error(
    `find run "${workflowId}": it is running — wait for its end, or end it: temporal workflow cancel --workflow-id ${workflowId}`,
  );
}

/** The first event alone: a history is long. */
async function readStart(
  client: Client,
  workflowId: string,
  runId: string,
): Promise<{ firstRunId: string; input: unknown }> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  const type = started?.workflowType?.name ?? '';
  if (type !== 'downloadRun') throw notARun(workflowId, type);
  const [payload] = started?.input?.payloads ?? [];
  const input: unknown =
    payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);
  return { firstRunId: started?.firstExecutionRunId ?? runId, input };
}
