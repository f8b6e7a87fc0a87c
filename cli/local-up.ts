import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { parsePort } from '../infra/local/parse-port.ts';
import type { StackMessage } from '../infra/local/stack-message.ts';
import { commandName } from './command-name.ts';
import { Interrupted, onInterruption } from './interruption.ts';
import { localFolder } from './local-folder.ts';
import { shellWord } from './watch-run.ts';

const program = fileURLToPath(new URL('../infra/local/main.ts', import.meta.url));

type Options = {
  readonly folder?: string;
  readonly temporalPort?: number;
  readonly uiPort?: number;
  readonly fleet?: string;
  readonly json?: true;
};

/** What `spotloop local up --json` prints. Public: a field may be added, none renamed. */
export type LocalStack = {
  readonly pid: number;
  readonly folder: string;
  readonly logFile: string;
  /** By these Temporal's command and ours find it. */
  readonly variables: Readonly<Record<string, string>>;
};

/** `spotloop local up`: starts the local stack and leaves. */
export function localUpCommand(): Command {
  return new Command('up')
    .description(
      'Starts the local stack and leaves it running. The first time it installs what is missing.',
    )
    .option('--folder <path>', 'where database, bucket and logs are (default: .spotloop)')
    .option(
      '--temporal-port <port>',
      'port of the Temporal server (default: a free one)',
      parsePort,
    )
    .option('--ui-port <port>', 'port of its Web UI (default: a free one)', parsePort)
    .addOption(
      new Option(
        '--fleet <kind>',
        'where downloaders run; kubernetes starts a cluster (needs root)',
      ).choices(['local', 'kubernetes']),
    )
    .option('--json', 'print process and variables as JSON')
    .addHelpText(
      'after',
      `
Examples:
  spotloop local up --temporal-port 7233 --ui-port 8233
  eval "$(spotloop local up --json | jq -r '.variables | to_entries[] | "export \\(.key)=\\(.value)"')"`,
    )
    .action(async (options: Options) => {
      const interruption = onInterruption();
      const folder = localFolder(options.folder);
      const logFile = join(folder, 'logs', 'local.log');
      const child = await startStack(folder, logFile, options);
      const stop = (): void => void child.kill('SIGTERM');
      interruption.addEventListener('abort', stop);
      const up = await untilUp(child, logFile).catch((error: unknown) => {
        if (!interruption.aborted) throw error;
        throw new Interrupted('interrupted: nothing was started', { cause: error });
      });
      interruption.removeEventListener('abort', stop);
      const { variables, directions } = up;
      const stack: LocalStack = { pid: child.pid ?? 0, folder, logFile, variables };
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify(stack, null, 2)}\n`
          : describe(directions, options),
      );
      // It goes on without us.
      child.disconnect();
      child.unref();
    });
}

/** In a session of its own: what ends this terminal, or this command, does not reach it. */
async function startStack(
  folder: string,
  logFile: string,
  options: Options,
): Promise<ChildProcess> {
  const { temporalPort, uiPort, fleet } = options;
  const given = { '--temporal-port': temporalPort, '--ui-port': uiPort, '--fleet': fleet };
  const args = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [name, String(value)],
  );
  await mkdir(dirname(logFile), { recursive: true });
  const log = await open(logFile, 'a');
  try {
    return spawn(process.execPath, [program, '--folder', folder, ...args], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
    });
  } finally {
    await log.close();
  }
}

type Up = Extract<StackMessage, { kind: 'up' }>;

/** @throws Error in one line when it ended instead. */
function untilUp(child: ChildProcess, logFile: string): Promise<Up> {
  return new Promise((resolve, reject) => {
    let reason: string | undefined;
    child.on('message', (message) => {
      const told = message as StackMessage;
      if (told.kind === 'up') resolve(told);
      else if (told.kind === 'failed') ({ reason } = told);
      else process.stderr.write(`${told.line}\n`);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const how = `it ended with ${signal ?? `code ${code}`} — see ${logFile}`;
      reject(new Error(reason ?? `start the local stack: ${how}`));
    });
  });
}

function describe(directions: string, { folder }: Options): string {
  const where = folder === undefined ? '' : ` --folder ${shellWord(folder)}`;
  return `${directions}\nIt goes on until: ${commandName} local down${where}\n`;
}
