import { Command } from 'commander';
import type { FleetState } from '../domain/fleet-state.ts';
import type { Progress } from '../domain/progress.ts';
import { openRun } from './find-run.ts';
import type { Newest } from './find-run.ts';
import { askProgress, endRun } from './follow-run.ts';
import { describeProgress, plain, settledText } from './progress-text.ts';
import type { RunEnd } from './run-end.ts';
import { openTemporal } from './temporal.ts';
import { describeEnd } from './watch-run.ts';

/** What `spotloop status --json` prints. Public: a field may be added, none renamed. */
export type RunStatus = {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: string;
  readonly taskQueue: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly closedAt: string | null;
  /** As query `progress` answers; null when nobody does. */
  readonly progress: Progress | null;
  /** Why nobody answers. */
  readonly silence: string | null;
  /** Null while the run goes on. */
  readonly end: RunEnd | null;
};

/** `spotloop status`: how a run stands at this moment. */
export function statusCommand(): Command {
  return new Command('status')
    .description('Says how a run stands, once. Changes nothing.')
    .argument('<workflow-id>', 'its latest run')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
Ends with 0 when it could be said, however the run stands; with 1 when there is no such run, or nobody answers for one that goes on.

Examples:
  spotloop status nightly
  spotloop status nightly --json | jq .progress.failed`,
    )
    .action(async (workflowId: string, { json }: { json?: boolean }) => {
      const { client, close } = await openTemporal();
      try {
        const { handle, newest } = await openRun(client, workflowId);
        const answer = await askProgress(handle);
        const end = newest.isOpen ? null : await endRun(handle);
        const status = statusOf(workflowId, newest, { answer, end });
        process.stdout.write(
          json === true ? `${JSON.stringify(status, null, 2)}\n` : describeStatus(status),
        );
        if (status.progress === null && newest.isOpen) process.exitCode = 1;
      } finally {
        await close();
      }
    });
}

function statusOf(
  workflowId: string,
  { runId, status, taskQueue, startedAt, closedAt }: Newest,
  { answer, end }: { readonly answer: Progress | string; readonly end: RunEnd | null },
): RunStatus {
  const isAnswered = typeof answer === 'object';
  return {
    workflowId,
    runId,
    status,
    taskQueue,
    startedAt: startedAt.toISOString(),
    closedAt: closedAt?.toISOString() ?? null,
    progress: isAnswered ? answer : null,
    silence: isAnswered ? null : answer,
    end,
  };
}

function describeStatus({ workflowId, progress, silence, end, ...run }: RunStatus): string {
  if (end !== null) return describeEnd(workflowId, end);
  const lines = [
    `${run.status}  ${workflowId} since ${run.startedAt}, task queue ${run.taskQueue}`,
    ...(progress === null
      ? [`silent   no Temporal worker answers for it (${plain(silence ?? '')}) — is one running?`]
      : [
          `items    ${settledText(progress)}  ${describeProgress(progress)}`,
          `fleet    ${fleetText(progress.fleet)}`,
          `folder   ${progress.runFolder}`,
        ]),
  ];
  return `${lines.join('\n')}\n`;
}

function fleetText(fleet: FleetState | null): string {
  if (fleet === null) return 'none yet';
  if (fleet.kind === 'running') return `${fleet.live} of ${fleet.wanted} downloaders`;
  return 'message' in fleet ? `${fleet.kind}: ${plain(fleet.message)}` : fleet.kind;
}
