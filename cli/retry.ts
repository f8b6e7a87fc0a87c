import { Command } from 'commander';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { readManifest, readReport } from '../activities/audit/read-run.ts';
import { countRetryList, retryListAddress, writeRetryList } from '../activities/report/retried.ts';
import type { RetriedKind } from '../activities/report/retried.ts';
import { runFolder, runName } from '../domain/names.ts';
import { staticTextsOf } from '../domain/run-description.ts';
import { runInputOf } from '../domain/run-input.ts';
import type { RunSpecInput } from '../domain/run-spec.ts';
import { createStorageClient } from '../workers/process/google-clients.ts';
import { commandName } from './command-name.ts';
import { findRun, goesOn, readNewest } from './find-run.ts';
import { number } from './progress-text.ts';
import type { RunPlace } from './run-folder.ts';
import { openTemporal } from './temporal.ts';
import { shellWord } from './watch-run.ts';

type Options = {
  readonly all?: boolean;
  readonly json?: boolean;
  readonly taskQueue?: string;
};

/** What `spotloop retry --json` prints. Public: a field may be added, none renamed. */
export type Retry = {
  /** The run that is done again. */
  readonly retried: string;
  readonly items: number;
  readonly workflowId: string;
  readonly runId: string;
  readonly runFolder: string;
  readonly taskQueue: string;
  readonly input: RunSpecInput;
};

/** Where runs are started unless somebody, or the run before, says otherwise. */
export const usualTaskQueue = 'spotloop';

/** `spotloop retry`: starts a run with what an earlier one left. */
export function retryCommand(): Command {
  return new Command('retry')
    .description(
      'Starts a run that does again what failed in an earlier one and may succeed: attempts exhausted, or no outcome.',
    )
    .argument('<run>', 'a run folder, gs://BUCKET/.spotloop/RUN/, or a workflow id: its latest run')
    .option('--all', 'also what failed for good, is gone, or was quarantined')
    .option('--task-queue <name>', `the Temporal worker's; as before, or "${usualTaskQueue}"`)
    .option('--json', 'print what was started as JSON')
    .addHelpText(
      'after',
      `
The new run has the workflow id and the input of the earlier one, but its list. The same by Temporal's own command:
  temporal workflow start --type downloadRun --task-queue spotloop --workflow-id nightly \\
    --input '{"items": "gs://my-bucket/.spotloop/nightly-4f1c0a9b27d3/retry.txt", "destination": "gs://my-bucket/videos/"}'

Examples:
  spotloop retry nightly
  spotloop retry --all gs://my-bucket/.spotloop/nightly-4f1c0a9b27d3/`,
    )
    .action(async (text: string, options: Options) => {
      const { client, close } = await openTemporal();
      try {
        const started = await retry(client, await findRun(client, text), options);
        process.stdout.write(
          options.json === true ? `${JSON.stringify(started, null, 2)}\n` : describe(started),
        );
      } finally {
        await close();
      }
    });
}

async function retry(
  client: Client,
  { bucket: bucketName, run }: RunPlace,
  { all, taskQueue }: Options,
): Promise<Retry> {
  const bucket = createStorageClient().bucket(bucketName);
  const [hasSnapshot] = await bucket.file(runFolder(run).manifest).exists();
  if (!hasSnapshot) {
    throw new Error(
      `retry run ${run}: gs://${bucketName}/${runFolder(run).root} holds no snapshot — it ended before its list was read: start it anew`,
    );
  }
  const { workflowId, spec, snapshot } = await readManifest(bucket, run);
  const newest = await readNewest(client, workflowId);
  if (newest?.isOpen === true) throw goesOn(workflowId);
  const kind: RetriedKind = all === true ? 'all' : 'passing';
  // Only a report is the last word of a run; a list beside none was written by an earlier retry.
  const hasReport = (await readReport(bucket, run)) !== null;
  const items =
    (hasReport ? await countRetryList(bucket, run, kind) : null) ??
    (await writeRetryList({ bucket, run, spec, snapshot }, kind));
  if (items === 0) {
    const more = all === true ? '' : ' — --all takes what failed for good, too';
    throw new Error(`retry run ${run}: nothing is left to do again${more}`);
  }
  const again = runInputOf(spec, retryListAddress(bucket, run, kind));
  // What was gone is on its list, and is to be tried.
  const input: RunSpecInput = kind === 'all' ? { ...again, goneFor: '0' } : again;
  const queue = taskQueue ?? newest?.taskQueue ?? usualTaskQueue;
  try {
    const { firstExecutionRunId: runId } = await client.workflow.start('downloadRun', {
      taskQueue: queue,
      workflowId,
      args: [input],
      ...staticTextsOf(input),
    });
    const folder = runFolder(runName(workflowId, runId)).root;
    return {
      retried: run,
      items,
      workflowId,
      runId,
      runFolder: `gs://${bucketName}/${folder}`,
      taskQueue: queue,
      input,
    };
  } catch (error) {
    // Somebody was quicker.
    if (error instanceof WorkflowExecutionAlreadyStartedError) throw goesOn(workflowId);
    throw error;
  }
}

function describe({ retried, items, workflowId, runFolder: folder, input }: Retry): string {
  return `started  ${workflowId}: ${number(items)} items of run ${retried}
list     ${String(input.items)}
folder   ${folder}
watch    ${commandName} watch ${shellWord(workflowId)}
`;
}
