import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { commandName } from './command-name.ts';
import { localFolder } from './local-folder.ts';

/** The Temporal worker has 30 s for its activities, the nodes of a cluster as long for their pods; and some to spare. */
const endWithinMs = 120_000;
const lookEveryMs = 100;

/** The programs that keep a local stack. A process id alone proves nothing: they are used again. */
const keepers = /infra\/local\/(main|demo)\.ts( |$)/;

/** `spotloop local down`: stops the local stack, in order. */
export function localDownCommand(): Command {
  return new Command('down')
    .description('Stops the local stack and waits for its end. Its database, bucket and logs stay.')
    .option('--folder <path>', 'where it has its files (default: .spotloop)')
    .option('--json', 'print what was stopped as JSON')
    .addHelpText('after', '\nExample:\n  spotloop local down')
    .action(async ({ folder: typed, json }: { folder?: string; json?: true }) => {
      const folder = localFolder(typed);
      const pid = await findStack(folder);
      process.kill(pid, 'SIGTERM');
      const endsAtMs = performance.now() + endWithinMs;
      while (await isStack(pid)) {
        if (performance.now() > endsAtMs) {
          throw new Error(
            `stop the local stack in ${folder}: process ${pid} is there after ${endWithinMs / 1000} s — see ${join(folder, 'logs')}`,
          );
        }
        await sleep(lookEveryMs);
      }
      process.stdout.write(
        json === true
          ? `${JSON.stringify({ pid, folder })}\n`
          : `stopped  the local stack in ${folder}\n`,
      );
    });
}

/** @throws Error in one line when none runs there. */
async function findStack(folder: string): Promise<number> {
  const file = join(folder, 'stack.pid');
  const pid = Number(await readFile(file, 'utf8').catch(() => ''));
  if (pid > 0 && (await isStack(pid))) return pid;
  throw new Error(
    `stop the local stack in ${folder}: none is running there — see: ${commandName} local up --help`,
  );
}

async function isStack(pid: number): Promise<boolean> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '-p', String(pid)]);
    return keepers.test(stdout.trim());
  } catch (error) {
    // `ps` ends with 1 when there is no such process.
    if ((error as { code?: unknown }).code === 1) return false;
    throw error;
  }
}
