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
  /** In Temporal's words, in lower case: `running`, `completed`, `timed_out`. */
  readonly status: string;
  readonly startedAt: Date;
  readonly closedAt: Date | null;
};

/** Null when Temporal does not know the workflow id. */
export async function readNewest(client: Client, workflowId: string): Promise<Newest | null> {
  try {
    const found = await client.workflow.getHandle(workflowId).describe();
    const { runId, closeTime, startTime, taskQueue, type, status } = found;
    return {
      runId,
      isOpen: closeTime === undefined,
      taskQueue,
      type,
      status: status.name.toLowerCase(),
      startedAt: startTime,
      closedAt: closeTime ?? null,
    };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/**
 * The latest run of a workflow id, ended or not.
 * @throws Error in one line when there is none.
 */
export async function openRun(
  client: Client,
  workflowId: string,
): Promise<{ readonly handle: WorkflowHandle; readonly newest: Newest }> {
  const newest = await readNewest(client, workflowId);
  if (newest === null) throw unknownRun(client, workflowId, 'see: temporal workflow list');
  if (newest.type !== 'downloadRun') throw notARun(workflowId, newest.type);
  return { handle: client.workflow.getHandle(workflowId), newest };
}

function unknownRun(client: Client, workflowId: string, wayOut: string): Error {
  return new Error(
    `find run "${workflowId}": Temporal knows no such workflow (any more) in namespace ${client.options.namespace} — ${wayOut}`,
  );
}

function notARun(workflowId: string, type: string): Error {
  return new Error(`find run "${workflowId}": it is a workflow "${type}", not a run`);
}

/** As {@link findRunFolder}, but of an ended run: one that goes on is refused. */
export async function findRun(client: Client, text: string): Promise<RunPlace> {
  if (!text.startsWith('gs://') && (await readNewest(client, text))?.isOpen === true) {
    throw goesOn(text);
  }
  return findRunFolder(client, text);
}

/**
 * The folder of the run that a person means: its address, or the workflow id whose latest run it is.
 * @throws Error in one line when there is none.
 */
export async function findRunFolder(client: Client, text: string): Promise<RunPlace> {
  if (text.startsWith('gs://')) return parseRunFolder(text);
  const newest = await readNewest(client, text);
  if (newest === null) {
    throw unknownRun(client, text, `give its run folder, gs://BUCKET/${runFoldersPrefix}RUN/`);
  }
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
