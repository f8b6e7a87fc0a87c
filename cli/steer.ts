import { Command } from 'commander';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { describeError } from '../activities/cloud-error.ts';
import type { Progress } from '../domain/progress.ts';
import { commandName } from './command-name.ts';
import { openRun } from './find-run.ts';
import { askProgress } from './follow-run.ts';
import { describeProgress, settledText } from './progress-text.ts';
import { innermost } from './run-end.ts';
import { openTemporal } from './temporal.ts';
import { shellWord } from './watch-run.ts';

/** A run tries for two minutes to do what it was told, and then says that it could not. */
const actWithinMs = 150_000;

type Json = { readonly json?: boolean };

/** `spotloop pause`: stops a run's downloaders. */
export function pauseCommand(): Command {
  return steering('pause', 'Stops the downloaders of a run; what they hold is released.')
    .addHelpText('after', '\nExample:\n  spotloop pause nightly')
    .action((workflowId: string, options: Json) => steer('pause', workflowId, [], options));
}

/** `spotloop resume`: starts them again. */
export function resumeCommand(): Command {
  return steering('resume', 'Starts the downloaders of a paused run again.')
    .addHelpText('after', '\nExample:\n  spotloop resume nightly')
    .action((workflowId: string, options: Json) => steer('resume', workflowId, [], options));
}

/** `spotloop scale`: changes the number of downloaders. */
export function scaleCommand(): Command {
  return steering('scale', 'Changes the number of downloaders of a run.')
    .argument('<n>', 'how many')
    .addHelpText('after', '\nExample:\n  spotloop scale nightly 8')
    .action((workflowId: string, count: string, options: Json) =>
      // What is no number of downloaders, the run refuses in its own words.
      steer('scale', workflowId, [Number(count)], options),
    );
}

/** `spotloop cancel`: ends a run in order. */
export function cancelCommand(): Command {
  return steering(
    'cancel',
    'Ends a run in any phase: it stops its downloaders, brings in their last outcomes and writes its report.',
  )
    .addHelpText('after', '\nExample:\n  spotloop cancel nightly')
    .action((workflowId: string, { json }: Json) =>
      withOpenRun('cancel', workflowId, async (handle) => {
        await handle.cancel();
        process.stdout.write(
          json === true
            ? `${JSON.stringify({ workflowId, isAsked: true })}\n`
            : `asked  ${workflowId} cleans up, writes its report and ends\nwatch  ${commandName} watch ${shellWord(workflowId)}\n`,
        );
      }),
    );
}

function steering(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .argument('<workflow-id>', 'its latest run')
    .option('--json', 'print the answer as JSON');
}

async function steer(
  update: 'pause' | 'resume' | 'scale',
  workflowId: string,
  args: [] | [workers: number],
  { json }: Json,
): Promise<void> {
  await withOpenRun(update, workflowId, async (handle) => {
    // A message that nobody takes would wait, and be acted on when nobody expects it any more.
    const before = await askProgress(handle);
    if (typeof before === 'string') {
      throw failure(update, workflowId, `no Temporal worker answers (${before}) — is one running?`);
    }
    const progress = await updateRun(handle, update, args);
    process.stdout.write(
      json === true
        ? `${JSON.stringify({ workflowId, progress })}\n`
        : `${workflowId}  ${settledText(progress)}  ${describeProgress(progress)}\n`,
    );
  });
}

async function updateRun(
  handle: WorkflowHandle,
  update: string,
  args: [] | [workers: number],
): Promise<Progress> {
  try {
    return await handle.client.withDeadline(Date.now() + actWithinMs, () =>
      handle.executeUpdate<Progress, [workers: number]>(update, { args: args as [number] }),
    );
  } catch (cause) {
    const reason =
      cause instanceof WorkflowUpdateFailedError ? innermost(cause).message : describeError(cause);
    throw failure(update, handle.workflowId, reason, cause);
  }
}

/** @throws Error in one line when there is no such run, or it has ended. */
async function withOpenRun(
  doing: string,
  workflowId: string,
  act: (handle: WorkflowHandle) => Promise<void>,
): Promise<void> {
  const { client, close } = await openTemporal();
  try {
    const { handle, newest } = await openRun(client, workflowId);
    if (!newest.isOpen) {
      const ended = newest.status.replaceAll('_', ' ');
      throw failure(
        doing,
        workflowId,
        `it has ended, as ${ended} — see: ${commandName} status ${shellWord(workflowId)}`,
      );
    }
    await act(handle);
  } finally {
    await close();
  }
}

function failure(doing: string, workflowId: string, reason: string, cause?: unknown): Error {
  return new Error(`${doing} run "${workflowId}": ${reason}`, { cause });
}
