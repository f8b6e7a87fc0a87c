import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Item } from '../../../domain/item.ts';
import { sideSuffixOf } from '../../../domain/side-files.ts';
import { hasSideFiles } from '../../../domain/task.ts';
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
import { findSideFiles, storeSideFiles } from './side-files.ts';
import type { AttemptEnding, Note, Task } from './task.ts';
import { watchFolderSize } from './watch-folder-size.ts';
import { argumentsOf, stagedName } from './yt-dlp-arguments.ts';
import type { YtDlpSpec } from './yt-dlp-arguments.ts';

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
    async attempt(item, signal, note): Promise<AttemptEnding> {
      const address = addressOf(spec.url, item.key);
      if (address.kind === 'invalid') return { kind: 'permanent', error: address.error };
      return await staging.withFolder((folder) =>
        download(options, { item, url: address.url, folder, signal, note }),
      );
    },
  };
}

type Download = {
  readonly item: Item;
  readonly url: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly note: Note;
};

async function download(options: YtDlpTaskOptions, one: Download): Promise<AttemptEnding> {
  const { spec, maxSizeBytes, store } = options;
  const tooLarge = { kind: 'permanent', error: new TooLargeError(maxSizeBytes).message } as const;
  // --max-filesize trusts what the server says before the download.
  const watch = watchFolderSize(one.folder, maxSizeBytes, one.signal);
  try {
    const ending = await runYtDlp(options, one, watch.signal);
    if (watch.isTooLarge()) return tooLarge;
    const failure = endingOfFailure(ending);
    if (failure !== null) return failure;
    const wanted = `${stagedName}.${spec.extension}`;
    // Beside it may lie what programs write into their home.
    const names = (await readdir(one.folder)).filter((name) => name.startsWith(`${stagedName}.`));
    if (!names.includes(wanted)) {
      return { kind: 'permanent', error: nothingStaged(ending, names.filter(isNoSide), wanted) };
    }
    const path = join(one.folder, wanted);
    if (hasSideFiles(spec)) return await storeWithSides(options, one, path);
    return await store.put(one.item, { content: createReadStream(path), signal: one.signal });
  } catch (error) {
    if (one.signal.aborted) return { kind: 'interrupted' };
    if (error instanceof TooLargeError) return tooLarge;
    return { kind: 'transient', error: messageOf(error) };
  } finally {
    watch.stop();
  }
}

/** What a site has beside the video does not keep the video from being had: then it is asked for without. */
async function runYtDlp(
  options: YtDlpTaskOptions,
  { url, folder, note }: Download,
  signal: AbortSignal,
): Promise<ProgramEnding> {
  const run = (spec: YtDlpSpec): Promise<ProgramEnding> =>
    runProgram({
      argv: [options.program, ...argumentsOf(spec, url)],
      cwd: folder,
      environment: environmentWithin(folder, options.environment),
      signal,
      withOutputPipe: true,
    });
  const { spec } = options;
  const ending = await run(spec);
  if (!hasSideFiles(spec) || ending.kind !== 'exited') return ending;
  for (const line of ending.stderr.split('\n').filter(isOfSideFile)) note(line);
  if (ending.code === 0 || !unsafeName.test(ending.stderr)) return ending;
  note(`${lastWords(ending.stderr)} — tried without subtitles and thumbnail`);
  return await run({ ...spec, sideFiles: spec.sideFiles?.filter((kind) => kind === 'info') });
}

/** yt-dlp refuses an item of which one side file would get an extension that it does not know, or a path for a language. */
const unsafeName = /^ERROR: .*extracted extension/m;

/** Such as "WARNING: Unable to download video subtitles for 'en': HTTP Error 404: Not Found". */
function isOfSideFile(line: string): boolean {
  return /^WARNING: .*unable to download .*(subtitles|thumbnail)/i.test(line);
}

/** Side files first: the item's object says that all of it is stored (I2). What is stored already is not stored again. */
async function storeWithSides(
  { store, maxSizeBytes }: YtDlpTaskOptions,
  { item, folder, signal }: Download,
  path: string,
): Promise<AttemptEnding> {
  const found = await store.look(item);
  if (found !== null) return found;
  const staged = await findSideFiles(folder, stagedName);
  const { size } = await stat(path);
  if (staged.reduce((sum, { sizeBytes }) => sum + sizeBytes, size) > maxSizeBytes) {
    throw new TooLargeError(maxSizeBytes);
  }
  const sideFiles = await storeSideFiles(store, item, staged, signal);
  return await store.put(item, { content: createReadStream(path), sideFiles, signal });
}

function isNoSide(name: string): boolean {
  return sideSuffixOf(name.slice(stagedName.length + 1)) === null;
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
