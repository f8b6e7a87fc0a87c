import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Item } from '../../../domain/item.ts';
import type { Task as TaskSpec } from '../../../domain/task.ts';
import { judgeYtDlpErrors } from '../../../domain/yt-dlp-errors.ts';
import { messageOf } from '../remote-errors.ts';
import type { Staging } from '../staging.ts';
import { TooLargeError } from '../store.ts';
import type { Store } from '../store.ts';
import { addressOf } from './address.ts';
import { environmentWithin } from './environment-within.ts';
import type { ProgramEnvironment } from './environment-within.ts';
import { lastWords, runProgram } from './run-program.ts';
import type { ProgramEnding } from './run-program.ts';
import type { AttemptEnding, Task } from './task.ts';
import { watchFolderSize } from './watch-folder-size.ts';

type YtDlpSpec = Extract<TaskSpec, { kind: 'yt-dlp' }>;

/** The staged file is called this whatever the key is: no key ever becomes a file name. */
const stagedName = 'media';

/** Attempts are the downloader's business; these bridge only a hiccup in the middle of a large file. */
const ownRetries = 2;

/** A connection that says nothing for so long is dead. */
const socketTimeoutSeconds = 30;

/** Containers that yt-dlp can merge into, by its own help text; it refuses any other. */
const mergeable: readonly string[] = ['avi', 'flv', 'mkv', 'mov', 'mp4', 'webm'];

/** Containers that it can change a file into without encoding it anew. */
const remuxable: readonly string[] = [
  ...mergeable,
  'gif',
  'aac',
  'aiff',
  'alac',
  'flac',
  'm4a',
  'mka',
  'mp3',
  'ogg',
  'opus',
  'vorbis',
  'wav',
];

export type YtDlpTaskOptions = {
  readonly spec: YtDlpSpec;
  /** yt-dlp itself; the image or the local stack says which (I10). */
  readonly program: string;
  readonly store: Store;
  readonly staging: Staging;
  readonly maxSizeBytes: number;
  readonly environment: ProgramEnvironment;
};

/** Lets yt-dlp stage the item's file, then stores it. */
export function createYtDlpTask(options: YtDlpTaskOptions): Task {
  const { spec, staging } = options;
  return {
    async attempt(item, signal): Promise<AttemptEnding> {
      const address = addressOf(spec.url, item.key);
      if (address.kind === 'invalid') return { kind: 'permanent', error: address.error };
      return await staging.withFolder((folder) =>
        download(options, { item, url: address.url, folder, signal }),
      );
    },
  };
}

type Download = {
  readonly item: Item;
  readonly url: string;
  readonly folder: string;
  readonly signal: AbortSignal;
};

async function download(options: YtDlpTaskOptions, one: Download): Promise<AttemptEnding> {
  const { spec, maxSizeBytes, store } = options;
  const tooLarge = { kind: 'permanent', error: new TooLargeError(maxSizeBytes).message } as const;
  // --max-filesize trusts what the server says before the download.
  const watch = watchFolderSize(one.folder, maxSizeBytes, one.signal);
  try {
    const ending = await runProgram({
      argv: [options.program, ...argumentsOf(spec, one.url)],
      cwd: one.folder,
      environment: environmentWithin(one.folder, options.environment),
      signal: watch.signal,
      withOutputPipe: true,
    });
    if (watch.isTooLarge()) return tooLarge;
    const failure = endingOfFailure(ending);
    if (failure !== null) return failure;
    const wanted = `${stagedName}.${spec.extension}`;
    // Beside it may lie what programs write into their home.
    const names = (await readdir(one.folder)).filter((name) => name.startsWith(`${stagedName}.`));
    if (!names.includes(wanted))
      return { kind: 'permanent', error: nothingStaged(ending, names, wanted) };
    const content = createReadStream(join(one.folder, wanted));
    return await store.put(one.item, { content, signal: one.signal });
  } catch (error) {
    if (one.signal.aborted) return { kind: 'interrupted' };
    if (error instanceof TooLargeError) return tooLarge;
    return { kind: 'transient', error: messageOf(error) };
  } finally {
    watch.stop();
  }
}

/** The run's options come first, so that they can't undo ours; `--` keeps the address from being an option (I9). */
export function argumentsOf(spec: YtDlpSpec, url: string): string[] {
  const extension = spec.extension.toLowerCase();
  return [
    ...spec.options,
    '--no-config',
    '--no-update',
    '--no-playlist',
    '--no-cache-dir',
    '--no-mtime',
    '--no-continue',
    '--quiet',
    // Lines that nobody reads, but an orphan meets a closed pipe at its next one and ends.
    '--progress',
    '--newline',
    '--progress-delta',
    '1',
    '--color',
    'never',
    '--retries',
    String(ownRetries),
    '--fragment-retries',
    String(ownRetries),
    '--socket-timeout',
    String(socketTimeoutSeconds),
    // YouTube needs a JavaScript runtime, and we run on one that is new enough.
    '--js-runtimes',
    `node:${process.execPath}`,
    '--format',
    spec.format,
    // The object's extension has to be true (I2). A file that is in this container already needs no ffmpeg.
    ...(mergeable.includes(extension) ? ['--merge-output-format', extension] : []),
    ...(remuxable.includes(extension) ? ['--remux-video', extension] : []),
    '--output',
    `${stagedName}.%(ext)s`,
    '--',
    url,
  ];
}

/** Null when yt-dlp ended well. */
function endingOfFailure(ending: ProgramEnding): AttemptEnding | null {
  switch (ending.kind) {
    case 'interrupted':
      return { kind: 'interrupted' };
    case 'not-started':
      return { kind: 'transient', error: `yt-dlp did not start: ${ending.error.message}` };
    case 'killed':
      // Most likely the kernel was out of memory, or somebody killed it.
      return { kind: 'transient', error: `yt-dlp was killed by ${ending.bySignal}` };
    case 'exited': {
      if (ending.code === 0) return null;
      const { kind, error, retryAfterMs } = judgeYtDlpErrors(ending.stderr);
      return kind === 'throttled' ? { kind, error, retryAfterMs } : { kind, error };
    }
  }
}

function nothingStaged(ending: ProgramEnding, names: readonly string[], wanted: string): string {
  if (names.length > 0) {
    return `yt-dlp made ${names.slice(0, 3).join(', ')} instead of ${wanted} — correct the run's format or extension`;
  }
  const words = ending.kind === 'exited' ? lastWords(ending.stderr) : '';
  return `yt-dlp ended well but made no file${words === '' ? ' — a filter may have left it out' : `: ${words}`}`;
}
