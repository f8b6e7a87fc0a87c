import type { Assignment } from '../../../domain/assignment.ts';
import { MisconfiguredError } from '../../process/environment.ts';
import { readCommand } from '../../process/commands-file.ts';
import { findProgram } from '../../process/find-program.ts';
import type { Credentials } from '../credentials.ts';
import type { Staging } from '../staging.ts';
import type { Store } from '../store.ts';
import { createCommandTask } from './command.ts';
import type { ProgramEnvironment } from './environment-within.ts';
import { openFetching } from './fetching.ts';
import { createHttpTask } from './http.ts';
import type { Task } from './task.ts';
import { createYtDlpTask } from './yt-dlp.ts';

export type TaskOptions = {
  readonly assignment: Assignment;
  readonly store: Store;
  readonly staging: Staging;
  /** yt-dlp's name or path. */
  readonly ytDlp: string;
  readonly commandsFile: string | undefined;
  readonly credentials: Credentials;
  /** What programs get; without our own settings. */
  readonly environment: ProgramEnvironment;
};

/**
 * The run's task, ready to work.
 * @throws MisconfiguredError when the image doesn't have the program.
 */
export async function createTask(options: TaskOptions): Promise<Task> {
  const { assignment, store, staging, environment, credentials } = options;
  const spec = assignment.task;
  const shared = { store, staging, environment, maxSizeBytes: assignment.maxItemSizeBytes };
  switch (spec.kind) {
    case 'http':
      return createHttpTask({
        spec,
        store,
        maxSizeBytes: assignment.maxItemSizeBytes,
        fetching: await openFetching(credentials.proxy),
      });
    case 'yt-dlp': {
      const hint = 'install it, or set SPOTLOOP_YTDLP to where it is';
      const program = await requireProgram(options.ytDlp, environment, hint);
      return createYtDlpTask({ ...shared, spec, program, credentials });
    }
    case 'command': {
      const command = await readCommand(options.commandsFile, spec.name);
      const hint = `correct "${spec.name}" in ${options.commandsFile ?? 'the commands file'}`;
      const [name, ...rest] = command.argv;
      const program = await requireProgram(name, environment, hint);
      return createCommandTask({ ...shared, command: { ...command, argv: [program, ...rest] } });
    }
  }
}

async function requireProgram(
  name: string,
  environment: TaskOptions['environment'],
  hint: string,
): Promise<string> {
  const path = await findProgram(name, environment['PATH'] ?? '');
  if (path === null) throw new MisconfiguredError(`find program ${name}: not there — ${hint}`);
  return path;
}
