import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Item } from '../../../domain/item.ts';
import { sideSuffixOf } from '../../../domain/side-files.ts';
import { hasSideFiles } from '../../../domain/task.ts';
import { judgeYtDlpErrors } from '../../../domain/yt-dlp-errors.ts';
import type { AskedWith } from '../../../domain/yt-dlp-errors.ts';
import { MisconfiguredError } from '../../process/environment.ts';
import { copyCookies, secretsOfProxy, withoutSecrets } from '../credentials.ts';
import type { Cookies, Credentials } from '../credentials.ts';
import { messageOf } from '../remote-errors.ts';
import type { Staging } from '../staging.ts';
import { TooLargeError } from '../store.ts';
import type { Store } from '../store.ts';
import { addressOf } from './address.ts';
import { environmentWithin, withProxy } from './environment-within.ts';
import type { ProgramEnvironment } from './environment-within.ts';
import { lastWords, runProgram } from './run-program.ts';
import type { ProgramEnding } from './run-program.ts';
import { findSideFiles, storeSideFiles } from './side-files.ts';
import { createSignIn } from './sign-in.ts';
import type { SignIn } from './sign-in.ts';
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
  readonly credentials: Credentials;
};

/** Lets yt-dlp stage the item's file, then stores it. */
export function createYtDlpTask(options: YtDlpTaskOptions): Task {
  const { spec, staging, credentials } = options;
  const signIn = createSignIn();
  return {
    async attempt(item, signal, note): Promise<AttemptEnding> {
      const address = addressOf(spec.url, item.key);
      if (address.kind === 'invalid') return { kind: 'permanent', error: address.error };
      return await staging.withFolder(async (folder) => {
        const cookies = await cookiesWithin(credentials, folder);
        if (cookies instanceof MisconfiguredError) {
          // Somebody may be writing it at this moment.
          return signIn.failed('', cookies.message);
        }
        const one = { item, url: address.url, folder, signal, note, cookies, signIn };
        return await download(options, one);
      });
    },
  };
}

type Download = {
  readonly item: Item;
  readonly url: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly note: Note;
  readonly cookies: Cookies | null;
  readonly signIn: SignIn;
};

/** Null where there are none; an error when they were good at the start and are not any more. */
async function cookiesWithin(
  { cookiesFile }: Credentials,
  folder: string,
): Promise<Cookies | MisconfiguredError | null> {
  if (cookiesFile === undefined) return null;
  try {
    return await copyCookies(cookiesFile, folder);
  } catch (error) {
    if (error instanceof MisconfiguredError) return error;
    throw error;
  }
}

async function download(options: YtDlpTaskOptions, one: Download): Promise<AttemptEnding> {
  const { spec, maxSizeBytes, store } = options;
  const tooLarge = { kind: 'permanent', error: new TooLargeError(maxSizeBytes).message } as const;
  // --max-filesize trusts what the server says before the download.
  const watch = watchFolderSize(one.folder, maxSizeBytes, one.signal);
  try {
    const ending = await runYtDlp(options, one, watch.signal);
    if (watch.isTooLarge()) return tooLarge;
    const failure = endingOfFailure(options, ending, one);
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
  { url, folder, note, cookies }: Download,
  signal: AbortSignal,
): Promise<ProgramEnding> {
  const { proxy } = options.credentials;
  const secrets = [...secretsOfProxy(proxy), ...(cookies?.secrets ?? [])];
  const run = async (spec: YtDlpSpec): Promise<ProgramEnding> => {
    const ending = await runProgram({
      argv: [options.program, ...argumentsOf(spec, url, cookies?.path)],
      cwd: folder,
      environment: withProxy(environmentWithin(folder, options.environment), proxy),
      signal,
      withOutputPipe: true,
    });
    if (ending.kind !== 'exited' && ending.kind !== 'killed') return ending;
    return { ...ending, stderr: withoutSecrets(ending.stderr, secrets) };
  };
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
function endingOfFailure(
  { credentials }: YtDlpTaskOptions,
  ending: ProgramEnding,
  { cookies, signIn }: Pick<Download, 'cookies' | 'signIn'>,
): AttemptEnding | null {
  switch (ending.kind) {
    case 'interrupted':
      return { kind: 'interrupted' };
    case 'not-started':
      return { kind: 'transient', error: `yt-dlp did not start: ${ending.error.message}` };
    case 'killed':
      // Most likely the kernel was out of memory, or somebody killed it.
      return { kind: 'transient', error: `yt-dlp was killed by ${ending.bySignal}` };
    case 'exited': {
      const asked: AskedWith = {
        hasCookies: cookies !== null,
        hasProxy: credentials.proxy !== undefined,
      };
      const { kind, error, retryAfterMs } = judgeYtDlpErrors(ending.stderr, asked);
      if (ending.code === 0) {
        if (kind !== 'signed-out') signIn.worked();
        return null;
      }
      if (kind === 'signed-out') {
        const hint = `renew ${credentials.cookiesFile ?? 'them'}: sign in again and export the cookies anew`;
        return signIn.failed(cookies?.text ?? '', `${error} — ${hint}`);
      }
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
