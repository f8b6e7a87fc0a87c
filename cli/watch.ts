import { Command } from 'commander';
import { openRun } from './find-run.ts';
import { onInterruption } from './interruption.ts';
import { openTemporal } from './temporal.ts';
import { exitCodesHelp, watchRun } from './watch-run.ts';

/** `spotloop watch`: follows a run to its end. */
export function watchCommand(): Command {
  return new Command('watch')
    .description('Follows a run to its end: counts, rate, time left, failures. Changes nothing.')
    .argument('<workflow-id>', 'its latest run')
    .option('--json', 'print a JSON line a second, and one for the end')
    .addHelpText(
      'after',
      `${exitCodesHelp}

Example:
  spotloop watch nightly`,
    )
    .action(async (workflowId: string, { json }: { json?: boolean }) => {
      const interruption = onInterruption();
      const { client, close } = await openTemporal();
      try {
        const { handle } = await openRun(client, workflowId);
        process.exitCode = await watchRun(handle, { isJson: json === true, interruption });
      } finally {
        await close();
      }
    });
}
