import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Command } from 'commander';
import type { Bucket } from '@google-cloud/storage';
import { readReport } from '../activities/audit/read-run.ts';
import type { RunReport } from '../activities/report/run-report.ts';
import { runFolder } from '../domain/names.ts';
import { formatBytes, formatDuration } from '../domain/units.ts';
import { createStorageClient } from '../workers/process/google-clients.ts';
import { commandName } from './command-name.ts';
import { locateRun } from './locate-run.ts';
import type { RunPlace } from './run-folder.ts';
import { number } from './progress-text.ts';

/** `spotloop report`: where a run's report is, and what it says in short. */
export function reportCommand(): Command {
  return new Command('report')
    .description('Says where the report of an ended run is, and what it says in short.')
    .argument('<run>', 'a workflow id: its latest run; or a run folder, gs://BUCKET/.spotloop/RUN/')
    .option('--open', 'open its page in a browser')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', '\nExamples:\n  spotloop report nightly --open')
    .action(async (text: string, options: { open?: boolean; json?: boolean }) => {
      const place = await locateRun(text);
      const bucket = createStorageClient().bucket(place.bucket);
      const report = await readReport(bucket, place.run);
      if (report === null) throw noReport(place);
      const page = pageAddress(bucket, place);
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify(report, null, 2)}\n`
          : describeReport(report, page),
      );
      if (options.open === true) await openPage(page);
    });
}

/** Only a run that ended in order has one, and `results.jsonl` beside it. */
export function noReport({ bucket, run }: RunPlace): Error {
  const folder = `gs://${bucket}/${runFolder(run).root}`;
  return new Error(
    `read report of run ${run}: ${folder} holds none — the run goes on, or was terminated: ${commandName} audit ${folder} says what it did`,
  );
}

function describeReport(report: RunReport, page: string): string {
  const { ending, counts, list, runFolder: folder } = report;
  const kinds = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${number(count)} ${name}`);
  const how = ending.kind === 'failed' ? `failed as ${ending.type}` : ending.kind;
  const lines = [
    `run      ${report.run} (${report.workflowId}), ${how} in ${formatDuration(report.seconds * 1000)}`,
    `items    ${number(list.total)}: ${kinds.join(', ')}; ${formatBytes(report.storedBytes)} stored`,
    ...report.errors.top
      .slice(0, 3)
      .map(({ message, count }) => `error    ${number(count)} × ${message}`),
    `folder   ${folder}`,
    `page     ${page}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** For a browser: the storage server of the local stack gives objects to everybody, Cloud Storage to who is signed in. */
function pageAddress({ name, storage }: Bucket, { run }: RunPlace): string {
  const object = runFolder(run).reportHtml;
  return process.env['STORAGE_EMULATOR_HOST'] === undefined
    ? `https://storage.cloud.google.com/${name}/${object}`
    : `${storage.baseUrl}/b/${name}/o/${encodeURIComponent(object)}?alt=media`;
}

const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** @throws Error when the system has no program that opens pages. */
async function openPage(page: string): Promise<void> {
  const [program = '', ...args] = openers[process.platform] ?? ['xdg-open'];
  try {
    const child = spawn(program, [...args, page], { detached: true, stdio: 'ignore' });
    await once(child, 'spawn');
    child.unref();
  } catch (cause) {
    throw new Error(
      `open ${page}: ${(cause as Error).message} — install ${program}, or open it yourself`,
      { cause },
    );
  }
}
