import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Item } from '../../../domain/item.ts';
import type { Command } from '../../process/commands-file.ts';
import type { Staging } from '../staging.ts';
import { TooLargeError } from '../store.ts';
import type { Store } from '../store.ts';
import { messageOf } from '../remote-errors.ts';
import { environmentWithin } from './environment-within.ts';
import type { ProgramEnvironment } from './environment-within.ts';
import { lastWords, runProgram } from './run-program.ts';
import type { ProgramEnding } from './run-program.ts';
import type { AttemptEnding, Task } from './task.ts';
import { watchFolderSize } from './watch-folder-size.ts';

/** What a program gets beside its arguments: a key that an argument can't carry is safe here. */
export const commandVariables = {
  key: 'SPOTLOOP_KEY',
  index: 'SPOTLOOP_INDEX',
  output: 'SPOTLOOP_OUTPUT',
} as const;

/** sysexits.h: the input itself is wrong, so that another try would meet the same. Every other code may pass. */
const permanentExitCodes: readonly number[] = [65 /* EX_DATAERR */, 66 /* EX_NOINPUT */];

export type CommandTaskOptions = {
  readonly command: Command;
  readonly store: Store;
  readonly staging: Staging;
  readonly maxSizeBytes: number;
  readonly environment: ProgramEnvironment;
};

/**
 * Runs the image's program for each item (I10). Exit 0 is success; 65 and 66 are permanent; every other code and a
 * death by signal are transient. A program that makes no file is `stored` with no object when it exits 0.
 */
export function createCommandTask(options: CommandTaskOptions): Task {
  const { command, staging } = options;
  return {
    async attempt(item, signal): Promise<AttemptEnding> {
      if (takesKeyForOption(command.argv, item.key)) {
        return {
          kind: 'permanent',
          error: `the key starts with "-" and would be taken for an option — put "--" before {key} in the commands file, or read ${commandVariables.key}`,
        };
      }
      return await staging.withFolder((folder) => runInFolder(options, item, folder, signal));
    },
  };
}

async function runInFolder(
  options: CommandTaskOptions,
  item: Item,
  folder: string,
  signal: AbortSignal,
): Promise<AttemptEnding> {
  const output = options.command.output ? join(folder, 'output') : null;
  const watch = watchFolderSize(folder, options.maxSizeBytes, signal);
  try {
    const ending = await run(options, item, { folder, output }, watch.signal);
    if (watch.isTooLarge()) {
      return { kind: 'permanent', error: new TooLargeError(options.maxSizeBytes).message };
    }
    const failure = endingOfFailure(ending);
    if (failure !== null) return failure;
    if (output === null) return { kind: 'stored', object: null, sizeBytes: 0, crc32c: null };
    const isFile = await stat(output).then(
      (found) => found.isFile(),
      () => false,
    );
    if (!isFile) {
      return { kind: 'permanent', error: 'the program ended well but made no file at {output}' };
    }
    return await options.store.put(item, { content: createReadStream(output), signal });
  } catch (error) {
    if (signal.aborted) return { kind: 'interrupted' };
    if (error instanceof TooLargeError) return { kind: 'permanent', error: error.message };
    return { kind: 'transient', error: messageOf(error) };
  } finally {
    watch.stop();
  }
}

function run(
  options: CommandTaskOptions,
  item: Item,
  { folder, output }: { folder: string; output: string | null },
  signal: AbortSignal,
): Promise<ProgramEnding> {
  const [program, ...rest] = options.command.argv;
  return runProgram({
    argv: [program, ...rest.map((entry) => substitute(entry, item.key, output ?? ''))],
    environment: {
      ...environmentWithin(folder, options.environment),
      [commandVariables.key]: item.key,
      [commandVariables.index]: String(item.index),
      ...(output === null ? {} : { [commandVariables.output]: output }),
    },
    signal,
  });
}

/** Null when the program ended well. */
function endingOfFailure(ending: ProgramEnding): AttemptEnding | null {
  switch (ending.kind) {
    case 'interrupted':
      return { kind: 'interrupted' };
    case 'not-started':
      return ending.error.code === 'ERR_INVALID_ARG_VALUE'
        ? { kind: 'permanent', error: 'the key holds a NUL character, which no argument can carry' }
        : { kind: 'transient', error: `the program did not start: ${ending.error.message}` };
    case 'killed':
      return { kind: 'transient', error: withWords(`killed by ${ending.bySignal}`, ending.stderr) };
    case 'exited':
      if (ending.code === 0) return null;
      return {
        kind: permanentExitCodes.includes(ending.code) ? 'permanent' : 'transient',
        error: withWords(`exit code ${ending.code}`, ending.stderr),
      };
  }
}

function withWords(text: string, stderr: string): string {
  const words = lastWords(stderr);
  return words === '' ? text : `${text}: ${words}`;
}

/** In one pass, so that a key that holds `{output}` stays what it is. */
function substitute(entry: string, key: string, output: string): string {
  return entry.replaceAll(/\{key\}|\{output\}/g, (placeholder) =>
    placeholder === '{key}' ? key : output,
  );
}

/** A key that starts with `-` may only stand at the start of an argument behind a `--` (I9). */
function takesKeyForOption(argv: readonly string[], key: string): boolean {
  if (!key.startsWith('-')) return false;
  const end = argv.indexOf('--');
  return argv.some((entry, place) => entry.startsWith('{key}') && (end === -1 || place < end));
}
