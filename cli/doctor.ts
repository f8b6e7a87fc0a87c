import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import { parseRunSpec } from '../domain/run-spec.ts';
import { checkBucket } from './doctor/check-bucket.ts';
import type { Place } from './doctor/check-bucket.ts';
import { checkPubsub } from './doctor/check-pubsub.ts';
import { checkTemporal } from './doctor/check-temporal.ts';
import { findingsOf, ok, parts, wrong } from './doctor/finding.ts';
import type { Finding } from './doctor/finding.ts';
import { isOlder } from './doctor/is-older.ts';
import { usualTaskQueue } from './retry.ts';

type Options = {
  readonly to?: string;
  readonly project?: string;
  readonly taskQueue: string;
  readonly fleet?: 'local' | 'kubernetes';
  readonly json?: true;
};

/** It runs TypeScript as it is, without a warning; npm brings it. */
const oldestNode = '24';

/** A part that did not answer may hold a connection open; everything is said by then. */
const connectionsEndWithinMs = 1_000;

/** `spotloop doctor`: whether what a run needs is there. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Looks at everything that runs need, and says what is wrong and how to mend it.')
    .option('--to <place>', 'a destination to try: gs://BUCKET/PREFIX/')
    .option('--project <id>', "the Google Cloud project's (default: GOOGLE_CLOUD_PROJECT)")
    .option('--task-queue <name>', "the Temporal worker's", usualTaskQueue)
    .addOption(
      new Option(
        '--fleet <kind>',
        'kubernetes: there has to be a cluster; local: none is looked at',
      ).choices(['local', 'kubernetes']),
    )
    .option('--json', 'print the findings as JSON')
    .addHelpText(
      'after',
      `
Looks at ${parts.join(', ')}. It tries rights by using them: a topic, a subscription and two small
objects are created and deleted again; in the cluster nothing is created. They are the rights of whoever runs it: for those of
the Temporal worker sign in as its account first, with gcloud auth application-default login --impersonate-service-account=…
and a kubeconfig of its service account.

Ends with 0 when nothing is wrong, with 1 when something is.

Examples:
  spotloop doctor --to gs://my-bucket/videos/
  spotloop doctor --json | jq -r '.findings[] | select(.state == "wrong") | .mend'`,
    )
    .action(async (options: Options) => {
      const findings = await examine(options);
      const isWell = findings.every(({ state }) => state !== 'wrong');
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify({ isWell, findings }, null, 2)}\n`
          : describe(findings, process.stdout),
      );
      process.exitCode = isWell ? 0 : 1;
      setTimeout(() => process.exit(), connectionsEndWithinMs).unref();
    });
}

async function examine({ to, project, taskQueue, fleet }: Options): Promise<readonly Finding[]> {
  const place = to === undefined ? undefined : placeOf(to);
  const projectId = project ?? process.env['GOOGLE_CLOUD_PROJECT'];
  const found = await Promise.all([
    findingsOf('node', async () => [checkNode()]),
    findingsOf('temporal', () => checkTemporal(taskQueue)),
    findingsOf('pubsub', () => checkPubsub(projectId)),
    findingsOf('bucket', () => checkBucket(place)),
    findingsOf('cluster', () => lookForCluster(fleet, projectId)),
  ]);
  return found.flat();
}

/** @throws Error in the words of a run spec when it is no destination. */
function placeOf(to: string): Place {
  const parsed = parseRunSpec({ items: ['doctor'], destination: to });
  if (parsed.kind === 'valid') return parsed.spec.destination;
  throw new Error(parsed.problems.map((text) => text.replace('"destination"', '--to')).join('\n'));
}

function checkNode(): Finding {
  const { node } = process.versions;
  return isOlder(node, oldestNode)
    ? wrong(
        'node',
        `this is ${node}, older than ${oldestNode}`,
        'npm ci, and run it as npm run spotloop',
      )
    : ok('node', node);
}

async function lookForCluster(
  fleet: Options['fleet'],
  projectId: string | undefined,
): Promise<readonly Finding[]> {
  const skip = (text: string): Finding[] => [
    { part: 'cluster', state: 'skipped', text, mend: null },
  ];
  if (fleet === 'local') return skip('the local fleet needs none');
  if (fleet === undefined && !(await isClusterNamed())) {
    return skip('none is named: no KUBECONFIG, no ~/.kube/config, and this is no pod');
  }
  // Only here, for the Kubernetes client takes longer to load than all the rest.
  const { checkCluster } = await import('./doctor/check-cluster.ts');
  return checkCluster(projectId);
}

/** Where the Kubernetes client looks. */
async function isClusterNamed(): Promise<boolean> {
  if (process.env['KUBECONFIG'] || process.env['KUBERNETES_SERVICE_HOST']) return true;
  return access(join(homedir(), '.kube', 'config')).then(
    () => true,
    () => false,
  );
}

const colours = { ok: 'green', wrong: 'red', advice: 'yellow', skipped: 'dim' } as const;

function describe(findings: readonly Finding[], stream: NodeJS.WriteStream): string {
  const widest = Math.max(...parts.map((part) => part.length));
  const lines = findings.flatMap(({ part, state, text, mend }) => [
    // The colour heeds NO_COLOR and the stream by itself.
    `${styleText(colours[state], state.padEnd('skipped'.length), { stream })}  ${part.padEnd(widest)}  ${text}`,
    ...(mend === null ? [] : [`${' '.repeat('skipped'.length + 2 + widest + 2)}→ ${mend}`]),
  ]);
  const amiss = new Set(findings.filter(({ state }) => state === 'wrong').map(({ part }) => part));
  lines.push(amiss.size === 0 ? 'nothing is wrong' : `to be mended: ${[...amiss].join(', ')}`);
  return `${lines.join('\n')}\n`;
}
