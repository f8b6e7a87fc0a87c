/** `npm run demo`: a real run of the sample list against the local stack, watched and summed up. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandle } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import { followRun } from '../../cli/follow-run.ts';
import { createProgressDisplay } from '../../cli/progress-display.ts';
import type { RunEnd } from '../../cli/run-end.ts';
import type { RunResult } from '../../domain/progress.ts';
import { staticTextsOf } from '../../domain/run-description.ts';
import { directions, sampleDestination, sampleInput } from './directions.ts';
import { interruptedExit, untilInterrupted } from './interruption.ts';
import { localBucket, startStack, taskQueue } from './stack.ts';
import type { Stack } from './stack.ts';

/** Lines in `examples/youtube-ids`. */
const mostItems = 1_000;
const defaultItems = 100;
/** A cancelled run drains its downloaders (15 s), deletes its queue and writes its report. */
const cancelMs = 25_000;

type Flags = {
  items: number;
  fresh?: true;
  keep?: true;
  folder?: string;
};

const flags = new Command('npm run demo --')
  .description(
    'Downloads sample videos: Temporal, Pub/Sub emulator, storage server, real yt-dlp, all on this machine.',
  )
  .option('--items <n>', `how many of the ${mostItems} ids`, parseItems, defaultItems)
  .option('--fresh', 'forget what earlier demos stored, so that everything is downloaded again')
  .option('--keep', 'leave everything running until Ctrl-C, to try the temporal command')
  .option('--folder <path>', 'where database, bucket and logs are (default: .spotloop)')
  .addHelpText('after', '\nExample:\n  npm run demo -- --items 20 --fresh --keep')
  .parse()
  .opts<Flags>();

let isUp = false;
const interrupted = untilInterrupted(() => isUp);
try {
  process.exitCode = await demo();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

/** Gives back the exit code: 0 when the run completed. */
async function demo(): Promise<number> {
  const startedAt = performance.now();
  const stack = await startStack({ folder: flags.folder, report: say });
  isUp = true;
  try {
    say(`local stack: up after ${seconds(startedAt)}`);
    const connection = await Connection.connect({ address: stack.temporal.address });
    try {
      return await runOnce(stack, connection);
    } finally {
      await connection.close();
    }
  } finally {
    await stack.stop();
    say('local stack: stopped');
  }
}

async function runOnce(stack: Stack, connection: Connection): Promise<number> {
  if (flags.fresh) await emptyDestination(stack);
  const client = new Client({ connection, namespace: stack.temporal.namespace });
  const workflowId = `demo-${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}`;
  const input = sampleInput(stack, flags.items);
  const handle = await client.workflow.start('downloadRun', {
    taskQueue,
    workflowId,
    args: [input],
    ...staticTextsOf(input),
  });
  say(`run ${workflowId}: ${flags.items} ids to ${sampleDestination}`);
  say(`watch it in the Web UI: ${runPage(stack, handle)}`);

  const display = createProgressDisplay(process.stderr);
  const following = followRun(handle, display).finally(display.end);
  const end = await Promise.race([following, interrupted]);
  if (!end) return cancel(handle, following);
  process.stdout.write(summary(stack, end));
  if (flags.keep) {
    process.stdout.write(`${directions(stack, 'my-run')}\nCtrl-C stops all of it.\n`);
    await interrupted;
  }
  return end.kind === 'completed' ? 0 : 1;
}

/** Lets the run clean up; otherwise its workflow would go on at the next start, without its queue, which is lost. */
async function cancel(handle: WorkflowHandle, following: Promise<RunEnd | null>): Promise<number> {
  say('cancelling the run');
  await handle.cancel();
  const tooLong = AbortSignal.timeout(cancelMs);
  await Promise.race([
    following,
    new Promise((resolve) => tooLong.addEventListener('abort', resolve)),
  ]);
  if (tooLong.aborted) await handle.terminate('the demo was interrupted');
  return interruptedExit;
}

/** The bucket is a folder, and removing a folder is one call. */
async function emptyDestination(stack: Stack): Promise<void> {
  const prefix = sampleDestination.slice(`gs://${localBucket}/`.length);
  await rm(join(stack.bucketFolder, prefix), { recursive: true, force: true });
}

function runPage(stack: Stack, handle: WorkflowHandle & { firstExecutionRunId?: string }): string {
  const { uiAddress, namespace } = stack.temporal;
  return `${uiAddress}/namespaces/${namespace}/workflows/${handle.workflowId}/${handle.firstExecutionRunId ?? ''}`;
}

function summary(stack: Stack, end: RunEnd): string {
  if (end.kind !== 'completed') {
    return `\nthe run ${end.kind}: ${end.reason}\nlogs      ${stack.logFolder}\n`;
  }
  const { result } = end;
  const runFolder = result.runFolder.replace(`gs://${localBucket}`, stack.bucketFolder);
  const files = sampleDestination.replace(`gs://${localBucket}`, stack.bucketFolder);
  return `
${countsOf(result)} in ${result.seconds.toFixed(1)} s
files     ${files}
results   ${join(runFolder, 'results.jsonl')}
report    ${join(runFolder, 'report.html')}
${result.skipped > 0 ? '\nWhat was skipped was there from an earlier demo; --fresh downloads it again.\n' : ''}`;
}

function countsOf({ total, stored, skipped, gone, failed, quarantined }: RunResult): string {
  const kinds = `${stored} stored, ${skipped} skipped, ${failed} failed, ${quarantined} quarantined`;
  return `${total} items: ${kinds}${gone === 0 ? '' : `, ${gone} gone as before`}`;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function parseItems(text: string): number {
  const items = Number(text);
  if (!Number.isInteger(items) || items < 1 || items > mostItems) {
    throw new InvalidArgumentError(`it is a whole number from 1 to ${mostItems}`);
  }
  return items;
}
