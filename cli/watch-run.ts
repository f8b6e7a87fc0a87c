import type { WorkflowHandle } from '@temporalio/client';
import { formatBytes, formatDuration } from '../domain/units.ts';
import { commandName } from './command-name.ts';
import { followRun } from './follow-run.ts';
import { Interrupted, interruptedExit } from './interruption.ts';
import { createJsonDisplay, createProgressDisplay } from './progress-display.ts';
import { number } from './progress-text.ts';
import type { RunEnd } from './run-end.ts';

/** A run completed, but some of its items failed or were quarantined. */
export const itemsFailedExitCode = 2;

/** The part of `--help` that `watch` and `run` share. */
export const exitCodesHelp = `
Ends with 0 when all items were stored or skipped, or known to be gone, with ${itemsFailedExitCode} when the run completed but items failed, with 1 when it
failed, was cancelled or terminated, or could not be looked at. Ctrl-C (${interruptedExit}) leaves the run going.`;

/**
 * Shows a run until its end, then the sum of it. Progress goes to standard error and the end to standard output; with `isJson` all of
 * it, a JSON line each, to standard output.
 * @returns the exit code.
 * @throws Interrupted when a person ends the watching.
 */
export async function watchRun(
  handle: WorkflowHandle,
  { isJson, interruption }: { readonly isJson: boolean; readonly interruption: AbortSignal },
): Promise<number> {
  const { workflowId } = handle;
  const display = isJson
    ? createJsonDisplay(process.stdout, workflowId)
    : createProgressDisplay(process.stderr);
  const end = await followRun(handle, display, interruption).finally(display.end);
  if (end === null) {
    throw new Interrupted(leftGoing(workflowId));
  }
  process.stdout.write(
    isJson ? `${JSON.stringify({ workflowId, end })}\n` : describeEnd(workflowId, end),
  );
  return exitCodeOf(end);
}

function exitCodeOf(end: RunEnd): number {
  if (end.kind !== 'completed') return 1;
  const { failed, quarantined } = end.result;
  return failed + quarantined > 0 ? itemsFailedExitCode : 0;
}

function leftGoing(workflowId: string): string {
  const id = shellWord(workflowId);
  return `the run goes on
watch    ${commandName} watch ${id}
cancel   ${commandName} cancel ${id}`;
}

/** For a person: how it ended, the counts, where to look on. */
export function describeEnd(workflowId: string, end: RunEnd): string {
  if (end.kind !== 'completed') return `${end.kind}  ${workflowId}: ${end.reason}\n`;
  const { total, stored, skipped, gone, failed, quarantined } = end.result;
  const { storedBytes, seconds, runFolder } = end.result;
  const kinds = Object.entries({ stored, skipped, gone, failed, quarantined })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${number(count)} ${name}`);
  const lines = [
    `completed  ${workflowId} in ${formatDuration(seconds * 1000)}`,
    `items      ${number(total)}: ${kinds.join(', ')}; ${formatBytes(storedBytes)} stored`,
    `folder     ${runFolder}`,
  ];
  if (failed + quarantined > 0) {
    lines.push(`failures   ${commandName} results --failed ${shellWord(workflowId)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A word as a shell takes it: quoted where it has to be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
