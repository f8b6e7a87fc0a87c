import { Command } from 'commander';
import type { Client, ScheduleSummary } from '@temporalio/client';
import { describeError } from '../activities/cloud-error.ts';
import { commandName } from './command-name.ts';
import { plain } from './progress-text.ts';
import { openTemporal } from './temporal.ts';

/** What `spotloop schedule list --json` prints of each. Public: a field may be added, none renamed. */
export type ListedSchedule = {
  readonly scheduleId: string;
  /** `downloadRun` or `sweepRuns`. */
  readonly workflowType: string;
  readonly isPaused: boolean;
  /** Who paused it and why, or what its author wrote; null without a word. */
  readonly note: string | null;
  /** ISO 8601; null when there is none any more. */
  readonly nextAt: string | null;
  /** What it started last: when, and under which workflow id. */
  readonly last: { readonly at: string; readonly workflowId: string } | null;
};

/** What schedules of ours start. */
const ourTypes = new Set(['downloadRun', 'sweepRuns']);

/** `spotloop schedule list`: the schedules that start our workflows. */
export function scheduleListCommand(): Command {
  return new Command('list')
    .description(
      'Lists the schedules that start runs or sweeps. One just created comes a second late.',
    )
    .option('--json', 'print them as a JSON array')
    .addHelpText(
      'after',
      `
Examples:
  spotloop schedule list
  spotloop schedule list --json | jq -r '.[] | select(.isPaused) | .scheduleId'`,
    )
    .action(async ({ json }: { json?: true }) => {
      const { client, close } = await openTemporal();
      try {
        const schedules = await listSchedules(client);
        process.stdout.write(
          json === true
            ? `${JSON.stringify(schedules, null, 2)}\n`
            : describe(schedules, client.options.namespace),
        );
      } finally {
        await close();
      }
    });
}

async function listSchedules(client: Client): Promise<ListedSchedule[]> {
  const ours: ListedSchedule[] = [];
  try {
    for await (const schedule of client.schedule.list()) {
      const workflowType = schedule.action?.workflowType ?? '';
      if (ourTypes.has(workflowType)) ours.push(listed(schedule, workflowType));
    }
  } catch (cause) {
    throw new Error(
      `list schedules of namespace ${client.options.namespace}: ${describeError(cause)}`,
      { cause },
    );
  }
  return ours.toSorted((a, b) => (a.scheduleId < b.scheduleId ? -1 : 1));
}

function listed(
  { scheduleId, state, info }: ScheduleSummary,
  workflowType: string,
): ListedSchedule {
  const last = info.recentActions.at(-1);
  const { note } = state;
  return {
    scheduleId,
    workflowType,
    isPaused: state.paused,
    note: note === undefined || note === '' ? null : note,
    nextAt: info.nextActionTimes[0]?.toISOString() ?? null,
    last:
      last === undefined
        ? null
        : { at: last.takenAt.toISOString(), workflowId: last.action.workflow.workflowId },
  };
}

function describe(schedules: readonly ListedSchedule[], namespace: string): string {
  if (schedules.length === 0) {
    return `namespace ${namespace} has no schedule of runs — make one: ${commandName} schedule create --help\n`;
  }
  const rows = schedules.map((one) => [
    plain(one.scheduleId),
    one.workflowType,
    one.isPaused ? `paused${one.note === null ? '' : `: ${plain(one.note)}`}` : 'active',
    one.nextAt ?? 'never',
    one.last === null ? 'none yet' : plain(one.last.workflowId),
  ]);
  const table = [['schedule', 'starts', 'state', 'next', 'last run'], ...rows];
  const widths = table[0]!.map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return `${table.map((row) => lineOf(row, widths)).join('\n')}\n`;
}

function lineOf(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join('  ')
    .trimEnd();
}
