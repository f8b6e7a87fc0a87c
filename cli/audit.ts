import { Command } from 'commander';
import { auditRun } from '../activities/audit/audit-run.ts';
import { problemTexts } from '../activities/audit/audit.ts';
import type { Audit } from '../activities/audit/audit.ts';
import { formatBytes } from '../domain/units.ts';
import { createStorageClient } from '../workers/process/google-clients.ts';
import { createAuditDisplay } from './audit-display.ts';
import { locateRun } from './locate-run.ts';
import { number } from './progress-text.ts';

/** The run did not do what it says; other failures of the command are 1, as everywhere. */
export const unsoundExitCode = 2;

/** `spotloop audit`: compares snapshot, ledger and bucket of a run. */
export function auditCommand(): Command {
  return new Command('audit')
    .description(
      "Compares a run's snapshot, ledger and bucket: every item once, every object as the ledger says. Changes nothing.",
    )
    .argument('<run>', 'a workflow id: its latest run; or a run folder, gs://BUCKET/.spotloop/RUN/')
    .option('--json', 'print the audit as JSON')
    .addHelpText(
      'after',
      `
Ends with 0 when the run is sound, with ${unsoundExitCode} when it is not, with 1 when it could not be audited.

Examples:
  spotloop audit nightly
  spotloop audit gs://my-bucket/.spotloop/nightly-4f1c0a9b27d3/`,
    )
    .action(async (text: string, { json }: { json?: boolean }) => {
      const { bucket, run } = await locateRun(text);
      const display = createAuditDisplay(process.stderr);
      try {
        const audit = await auditRun({
          bucket: createStorageClient().bucket(bucket),
          run,
          onProgress: display.show,
        });
        display.end();
        process.stdout.write(
          json === true ? `${JSON.stringify(audit, null, 2)}\n` : describeAudit(audit),
        );
        if (!audit.isSound) process.exitCode = unsoundExitCode;
      } finally {
        display.end();
      }
    });
}

/** For a person: what is there, then what is wrong. */
export function describeAudit(audit: Audit): string {
  const { counts, list, objects, otherObjects, sideFiles, problems, ending, workflowId } = audit;
  const kinds = (['stored', 'skipped', 'gone', 'failed', 'quarantined', 'unsettled'] as const)
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `${number(counts[kind])} ${kind}`);
  const lines = [
    `run      ${audit.run} (${workflowId}), ${endingText(ending)}`,
    `items    ${number(list.total)}: ${kinds.join(', ')}; ${formatBytes(audit.storedBytes)} stored`,
    `objects  ${number(objects)} as the ledger says; ${number(otherObjects)} others in the destination`,
    ...(sideFiles === 0 ? [] : [`beside   ${number(sideFiles)} side files of them`]),
    ...problems.flatMap(({ kind, count, examples }) => [
      `wrong    ${problemTexts[kind]}: ${number(count)}`,
      ...examples.map((example) => `           ${example}`),
      ...(count > examples.length
        ? [`           and ${number(count - examples.length)} more`]
        : []),
    ]),
    audit.isSound
      ? 'sound    each item has one outcome at most, and each object is there'
      : `unsound  ${number(problems.length)} kinds of problems`,
  ];
  return `${lines.join('\n')}\n`;
}

function endingText(ending: Audit['ending']): string {
  if (ending === null) return 'without a report: it goes on, or was terminated';
  return ending.kind === 'failed' ? `failed as ${ending.type}` : ending.kind;
}
