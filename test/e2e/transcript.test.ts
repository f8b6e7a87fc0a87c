import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { variablesOf } from '../../infra/local/directions.ts';
import { startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { matchOutput, stepsOf, withNames } from '../support/transcript.ts';
import type { Names, Step } from '../support/transcript.ts';

/** Every command of docs/operating.md as a person types it, against the local stack; what differs there is put in by this file. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const document = await readFile(join(root, 'docs', 'operating.md'), 'utf8');

/** What only looks is looked at again until it is as shown: a run takes its time, and so does Temporal's list of workflows. */
const looks =
  /^(temporal (workflow|schedule) (list|describe|query|metadata|show|count)|npm run spotloop -- schedule list|gcloud )/;
const patienceMs = 120_000;
const lookEveryMs = 1_000;

/** A command that waits for a run waits so long for it at most. */
const commandLimitMs = 180_000;

let world: RunStack;
let folder: string;

before(async () => {
  world = await startRunStack();
  folder = await mkdtemp(join(tmpdir(), 'spotloop-transcript-'));
  await symlink(world.stack.temporalCli, join(folder, 'temporal'));
  const list = 'youtube-ids';
  const body = (await readFile(join(root, 'examples', list), 'utf8')).split('\n', 5).join('\n');
  await writeFile(join(folder, 'ids.txt'), `${body}\n`);
  const url = `${world.stack.storage.endpoint}/upload/storage/v1/b/spotloop-local/o?uploadType=media&name=${list}`;
  assert.equal((await fetch(url, { method: 'POST', body })).status, 200);
});

after(async () => {
  await world.stop();
  await rm(folder, { recursive: true });
});

/** The document's names for what the local stack has: bucket, channel, and the site that a task without address means. */
function forLocalStack(command: string): string {
  const { address } = world.stack.site;
  const task = JSON.stringify({
    task: { kind: 'http', url: `${address}/clips/{key}.mp4`, extension: 'mp4' },
  });
  return (
    command
      .replaceAll('gs://my-bucket/', 'gs://spotloop-local/')
      // npm's own lines before the command's are no matter of the document.
      .replace(/^npm run spotloop -- /, 'npm run --silent spotloop -- ')
      .replace(
        /(spotloop -- run )ids\.txt( .*)$/,
        `$1${join(folder, 'ids.txt')}$2 --input '${task}'`,
      )
      .replaceAll(
        /"yt-dlp\+https:\/\/www\.youtube\.com\/[^"]+"/g,
        `"yt-dlp+${address}/playlist?list=samples"`,
      )
      .replaceAll(/'(\{[^']*"destination"[^']*\})'/g, (_, text: string) => {
        const input = JSON.parse(text) as { items: string; task?: object };
        const url = input.items.startsWith('yt-dlp+') ? '{key}' : `${address}/clips/{key}.mp4`;
        return `'${JSON.stringify({ task: { kind: 'http', url, extension: 'mp4' }, ...input })}'`;
      })
  );
}

/** What a command prints: as to a terminal, standard error after standard output. Never rejects. */
async function printed(command: string): Promise<string> {
  const { stack } = world;
  // What the Web UI's address adds to a run's start, nobody else sees.
  const { SPOTLOOP_WEB_UI: _, ...found } = variablesOf(stack);
  const env = {
    ...process.env,
    PATH: [folder, dirname(process.execPath), process.env['PATH']].join(delimiter),
    ...found,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${stack.storage.endpoint}/storage/v1/`,
    CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
    NO_GCE_CHECK: 'true',
    NO_COLOR: '1',
  };
  const options = { env, cwd: root, timeout: commandLimitMs };
  type Printed = { stdout: string; stderr: string };
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command], options).catch(
    (error: Printed) => error,
  );
  return `${stdout}${stderr}`.replaceAll('gs://spotloop-local/', 'gs://my-bucket/');
}

async function run({ line, command, output }: Step, names: Names): Promise<Names> {
  const typed = forLocalStack(withNames(command, names));
  const startMs = performance.now();
  for (;;) {
    const text = await printed(typed);
    const now = matchOutput(output, text, names);
    if (now !== null) return now;
    if (!looks.test(command) || performance.now() - startMs > patienceMs) {
      assert.fail(
        `docs/operating.md:${line}: ${typed}\nprints\n${text}\nbut shown is\n${output.join('\n')}`,
      );
    }
    await sleep(lookEveryMs);
  }
}

describe('docs/operating.md', () => {
  it('shows what its commands print', { timeout: 600_000 }, async (t) => {
    const steps = stepsOf(document);
    assert.ok(steps.length > 10, `${steps.length} commands`);
    let names: Names = new Map();
    for (const step of steps) {
      const startMs = performance.now();
      names = await run(step, names);
      const seconds = Math.round((performance.now() - startMs) / 100) / 10;
      t.diagnostic(`${seconds} s: ${step.command.split('\n', 1)[0]}`);
    }
    // The last run that was started may still be going on.
    await waitUntil(async () => (await world.queueLeft()).length === 0);
  });
});
