import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { describeError, http, statusOf } from '../activities/cloud-error.ts';
import type { ResultLine } from '../activities/report/result-line.ts';
import { runFolder } from '../domain/names.ts';
import { createStorageClient } from '../workers/process/google-clients.ts';
import { locateRun } from './locate-run.ts';
import { noReport } from './report.ts';

/** `spotloop results`: what became of each item. */
export function resultsCommand(): Command {
  return new Command('results')
    .description('Prints what became of each item of an ended run, a JSON line each.')
    .argument('<run>', 'a workflow id: its latest run; or a run folder, gs://BUCKET/.spotloop/RUN/')
    .option('--failed', 'only what failed or was quarantined')
    .addHelpText(
      'after',
      `
Examples:
  spotloop results nightly > results.jsonl
  spotloop results nightly --failed | jq -r .key`,
    )
    .action(async (text: string, { failed }: { failed?: boolean }) => {
      const place = await locateRun(text);
      const name = runFolder(place.run).results;
      const object = createStorageClient().bucket(place.bucket).file(name).createReadStream();
      try {
        // An item a line, however many there are: nothing is kept.
        await pipeline(
          object,
          (chunks) => (failed === true ? failedLines(chunks) : chunks),
          process.stdout,
          { end: false },
        );
      } catch (cause) {
        // Who reads has enough, as `head` does.
        if ((cause as NodeJS.ErrnoException).code === 'EPIPE') return;
        if (statusOf(cause) === http.notFound) throw noReport(place);
        throw new Error(`read gs://${place.bucket}/${name}: ${describeError(cause)}`, { cause });
      }
    });
}

async function* failedLines(chunks: Readable): AsyncGenerator<string> {
  for await (const line of createInterface({ input: chunks, crlfDelay: Infinity })) {
    const { outcome } = JSON.parse(line) as ResultLine;
    if (outcome === 'failed' || outcome === 'quarantined') yield `${line}\n`;
  }
}
