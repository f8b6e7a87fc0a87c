import { Command } from 'commander';
import { commandName } from './command-name.ts';
import { onInterruption } from './interruption.ts';
import { checkListFile, isAddress, pathOf, workflowIdFor } from './list-file.ts';
import { usualTaskQueue } from './retry.ts';
import { runInputFrom, withRunOptions } from './run-options.ts';
import type { RunOptions } from './run-options.ts';
import { startRun } from './start-run.ts';
import type { StartedRun } from './start-run.ts';
import { openTemporal } from './temporal.ts';
import { exitCodesHelp, shellWord, watchRun } from './watch-run.ts';

type Options = RunOptions & {
  readonly id?: string;
  readonly taskQueue: string;
  readonly detach?: boolean;
  readonly json?: boolean;
};

/** Stands for the address of a list that is not uploaded yet, while the input is checked. */
const unknownAddress = 'gs://bucket/list';

/** `spotloop run`: starts a run and follows it. */
export function runCommand(): Command {
  const command = new Command('run')
    .description('Starts a run of a list and follows it to its end.')
    .argument('<list>', 'a text file with a key a line, or its address: gs://…, https://…');
  return withRunOptions(command)
    .option('--id <workflow-id>', "the run's workflow id (default: the list's name and the time)")
    .option('--task-queue <name>', "the Temporal worker's", usualTaskQueue)
    .option('--detach', 'start it and leave; print the equal command of Temporal')
    .option('--json', 'print what was started as JSON, then as watch --json does')
    .addHelpText(
      'after',
      `
A file of this machine is uploaded to gs://BUCKET/.spotloop/lists/ first.
${exitCodesHelp}

Examples:
  spotloop run ids.txt --to gs://my-bucket/videos/ --id nightly --workers 4
  spotloop run gs://my-bucket/ids --to gs://my-bucket/files/ --detach \\
    --input '{"task": {"kind": "http", "url": "https://example.org/{key}"}, "attempts": 3}'`,
    )
    .action(async (list: string, options: Options) => {
      const interruption = onInterruption();
      const listFile = isAddress(list) ? undefined : pathOf(list);
      const run = runInputFrom(listFile === undefined ? list : unknownAddress, options);
      if (listFile !== undefined) await checkListFile(listFile);
      const { taskQueue, id: workflowId = workflowIdFor(list, new Date()) } = options;
      const temporal = await openTemporal();
      try {
        const order = { workflowId, taskQueue, run, listFile };
        const started = await startRun(temporal.client, order, interruption);
        const isJson = options.json === true;
        const isDetached = options.detach === true;
        const text = isJson
          ? `${JSON.stringify({ workflowId, started })}\n`
          : describe(started, temporal.webPage(started), isDetached);
        (isJson || isDetached ? process.stdout : process.stderr).write(text);
        if (isDetached) return;
        const handle = temporal.client.workflow.getHandle(workflowId);
        process.exitCode = await watchRun(handle, { isJson, interruption });
      } finally {
        await temporal.close();
      }
    });
}

function describe(started: StartedRun, webPage: string | null, isDetached: boolean): string {
  const { workflowId, runFolder, input } = started;
  const lines = [
    `started  ${workflowId}`,
    `list     ${String(input.items)}`,
    `folder   ${runFolder}`,
    ...(webPage === null ? [] : [`web      ${webPage}`]),
    ...(isDetached
      ? [`watch    ${commandName} watch ${shellWord(workflowId)}`, `same as  ${sameAs(started)}`]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** The command of Temporal that starts the same. */
function sameAs({ workflowId, taskQueue, input }: StartedRun): string {
  const words = ['--task-queue', taskQueue, '--workflow-id', workflowId, '--input'];
  return `temporal workflow start --type downloadRun ${[...words, JSON.stringify(input)].map(shellWord).join(' ')}`;
}
