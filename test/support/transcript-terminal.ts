import { execFile } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { variablesOf } from '../../infra/local/directions.ts';
import type { RunStack } from './run-stack.ts';

/** Where a person types what the documents show, beside the local stack; what differs there is put in. */
export type TranscriptTerminal = {
  /** As it is really typed. */
  readonly translate: (command: string) => string;
  /** What a command prints, in the documents' names: standard error after standard output. Never rejects. */
  readonly type: (translated: string) => Promise<string>;
};

/** A command that waits for a run waits so long for it at most. */
const commandLimitMs = 180_000;

/** Where documents say that metrics are told. */
const usualMetricsAddress = '127.0.0.1:9464';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The folder gets what the terminal needs: programs, and lists of keys. */
export async function openTranscriptTerminal(
  world: RunStack,
  folder: string,
  keys: readonly string[],
): Promise<TranscriptTerminal> {
  const { stack } = world;
  await symlink(stack.temporalCli, join(folder, 'temporal'));
  // There is no desktop whose browser could open a page: this one only reads it.
  const options = { mode: 0o755 };
  await writeFile(join(folder, 'xdg-open'), '#!/bin/sh\nexec curl --fail "$1"\n', options);
  await writeFile(join(folder, 'ids.txt'), `${keys.join('\n')}\n`);
  // What the Web UI's address adds to a run's start, nobody else sees.
  const { SPOTLOOP_WEB_UI: _, ...found } = variablesOf(stack);
  const env = {
    ...process.env,
    PATH: [folder, dirname(process.execPath), process.env['PATH']].join(delimiter),
    ...found,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: `${stack.storage.endpoint}/storage/v1/`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB: `http://${stack.pubsub.host}/`,
    CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
    NO_GCE_CHECK: 'true',
    NO_COLOR: '1',
  };
  return {
    translate: (command) => translate(command, world, folder),
    type: async (typed) => {
      type Printed = { stdout: string; stderr: string };
      const { stdout, stderr } = await promisify(execFile)('bash', ['-c', typed], {
        env,
        cwd: root,
        timeout: commandLimitMs,
      }).catch((error: Printed) => error);
      return `${stdout}${stderr}`
        .replaceAll('gs://spotloop-local/', 'gs://my-bucket/')
        .replaceAll('projects/spotloop-local/', 'projects/my-project/');
    },
  };
}

/** The documents' names for what the local stack has: bucket, project, channel, and the site that a task without address means. */
function translate(command: string, { stack }: RunStack, folder: string): string {
  const site = stack.site.address;
  // Who tries again would make items that fail look as if they did not.
  const more = (url: string) => ({ task: { kind: 'http', url, extension: 'mp4' }, attempts: 1 });
  const clips = more(`${site}/clips/{key}.mp4`);
  const videos = {
    url: `${site}/watch?v={key}`,
    format: 'b',
    options: ['--use-extractors=generic,html5'],
  };
  return (
    command
      .replaceAll('gs://my-bucket/', 'gs://spotloop-local/')
      .replaceAll(/\bmy-project\b/g, 'spotloop-local')
      .replaceAll(usualMetricsAddress, stack.env['SPOTLOOP_METRICS_ADDRESS'] ?? usualMetricsAddress)
      // npm's own lines before the command's are no matter of the documents.
      .replace(/^npm run spotloop -- /, 'npm run --silent spotloop -- ')
      .replace(/(spotloop -- local \w+)/, `$1 --folder ${join(folder, 'local')}`)
      .replace(
        /(spotloop -- run )ids\.txt([^|]*)/,
        `$1${join(folder, 'ids.txt')}$2 --input '${JSON.stringify(clips)}' `,
      )
      .replaceAll(
        /"yt-dlp\+https:\/\/www\.youtube\.com\/[^"]+"/g,
        `"yt-dlp+${site}/playlist?list=samples"`,
      )
      .replaceAll(/'(\{[^']*"destination"[^']*\})'/g, (_, text: string) => {
        const input = JSON.parse(text) as { items: string; task?: object };
        const given = input.items.startsWith('yt-dlp+') ? more('{key}') : clips;
        const task = input.task === undefined ? given.task : { ...videos, ...input.task };
        return `'${JSON.stringify({ ...given, ...input, task })}'`;
      })
  );
}
