import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { ApplicationFailure } from '@temporalio/activity';
import type { ListedAs } from '../../domain/list-address.ts';
import { shortText } from '../../domain/short-text.ts';
import { judgeYtDlpErrors } from '../../domain/yt-dlp-errors.ts';
import { linesOf } from './lines.ts';
import { ListUnreadable } from './list-unreadable.ts';

/** yt-dlp as this Temporal worker has it: its own configuration says which program that is, never a run (I10). */
export type YtDlp = {
  readonly program: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How long yt-dlp may say nothing, and how long it may take in all, ms; ours unless a test cannot wait. */
  readonly limits?: { readonly silenceMs: number; readonly wholeMs: number };
};

/** What is to be listed, and what of it is a key. */
export type PageListing = {
  /** As the run's input has it, for messages. */
  readonly address: string;
  readonly page: string;
  readonly as: ListedAs;
};

/** A connection that says nothing for so long is dead; yt-dlp then asks again, three times. */
const socketTimeoutSeconds = 20;

const ourLimits = {
  /** What four connections that say nothing take, and some to spare; less than preflight has. */
  silenceMs: 100_000,
  /** YouTube gives some 30 ids a second: two hundred thousand of them. A longer list is better made once and put into a bucket. */
  wholeMs: 2 * 3_600_000,
};

/** A site that asks for patience without saying for how long is left alone so long. */
const patienceMs = 300_000;

/** The end of standard error, where yt-dlp says why it failed. */
const maxStderrBytes = 16 * 1024;

/** What yt-dlp hides behind an address to tell itself a feed's id of it; not part of the address. */
const smuggled = '#__youtubedl_smuggle=';

/**
 * Lets yt-dlp list a page (channel, playlist, feed, search, what it knows) and gives its keys as they come, a line each.
 * There is no shell (I9). Whoever stops reading, or aborts the signal, ends yt-dlp with all it started.
 * @throws ListUnreadable when yt-dlp says that there is nothing to list, or an entry has no key; what may pass by itself otherwise.
 */
export async function* listByYtDlp(
  ytDlp: YtDlp,
  listing: PageListing,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const running = start(ytDlp, listing);
  const limit = limitTime(ytDlp, listing, running);
  signal.addEventListener('abort', running.breakOff, { once: true });
  try {
    let count = 0;
    for await (const lines of linesOf(running.stdout)) {
      if (lines.length === 0) continue;
      const keys = lines.map(keyOf);
      const missing = keys.indexOf('');
      if (missing !== -1) throw withoutKey(listing, count + missing + 1);
      count += keys.length;
      limit.pause();
      yield Buffer.from(`${keys.join('\n')}\n`, 'latin1');
      limit.resume();
    }
    const ending = await running.ended;
    signal.throwIfAborted();
    limit.throwIfReached();
    if (ending.failure !== null) throw failed(listing, ending);
    if (count === 0) throw nothingListed(listing, ending.stderr);
  } catch (error) {
    // A pipe that was broken off has its own words for it.
    signal.throwIfAborted();
    limit.throwIfReached();
    throw error;
  } finally {
    limit.clear();
    signal.removeEventListener('abort', running.breakOff);
    running.breakOff();
    await running.ended;
  }
}

/** `--` keeps the address from being an option (I9). What yt-dlp needs not to know, such as a user's own settings, it does not read. */
function argumentsOf({ page, as }: PageListing): string[] {
  return [
    '--ignore-config',
    '--no-update',
    '--no-cache-dir',
    '--quiet',
    '--color',
    'never',
    '--socket-timeout',
    String(socketTimeoutSeconds),
    // One request a page of entries, none an entry; and each is told when it is known.
    '--flat-playlist',
    '--lazy-playlist',
    '--yes-playlist',
    // Otherwise a page of entries that YouTube sends half is a warning, and the list is short without a word.
    '--extractor-args',
    'youtube:raise_incomplete_data=1',
    // An entry without is an empty line, not the word NA, which may be an id.
    '--output-na-placeholder',
    '',
    '--print',
    `%(${as})s`,
    '--',
    page,
  ];
}

function keyOf(line: Uint8Array): string {
  // latin1 keeps every byte: whether they are UTF-8 is for the reader of the list to judge.
  const text = Buffer.from(line).toString('latin1');
  const [key = ''] = text.split(smuggled, 1);
  return key;
}

type Ending = { readonly failure: string | null; readonly stderr: string };

type Running = {
  readonly stdout: Readable;
  /** Resolves when it is gone; never rejects. */
  readonly ended: Promise<Ending>;
  /** Kills it with all that it started, and reads no more of it. */
  readonly breakOff: () => void;
};

function start({ program, environment }: YtDlp, listing: PageListing): Running {
  const child = spawn(program, argumentsOf(listing), {
    env: environment,
    // A group of its own, to be killed with all that it starts.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = Buffer.alloc(0);
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(-maxStderrBytes);
  });
  const ended = new Promise<Ending>((resolve) => {
    const end = (failure: string | null) => resolve({ failure, stderr: stderr.toString('utf8') });
    child.once('error', (error) => {
      if (child.pid === undefined) end(`it did not start: ${error.message}`);
    });
    // What it left behind would keep its pipes open. What lies in them already is still read.
    child.once('exit', () => killGroup(child.pid));
    child.once('close', (code, bySignal) => {
      if (bySignal !== null) end(`it was killed by ${bySignal}`);
      else end(code === 0 ? null : `it ended with code ${code}`);
    });
  });
  const breakOff = () => {
    killGroup(child.pid);
    child.stdout.destroy();
    child.stderr.destroy();
  };
  return { stdout: child.stdout, ended, breakOff };
}

function killGroup(processId: number | undefined): void {
  if (processId === undefined) return;
  try {
    process.kill(-processId, 'SIGKILL');
  } catch {
    // ESRCH: it is gone already.
  }
}

/** Breaks it off when it takes too long, or says nothing for too long while it is listened to. */
function limitTime(ytDlp: YtDlp, { address }: PageListing, running: Running) {
  const { silenceMs, wholeMs } = ytDlp.limits ?? ourLimits;
  let reached: Error | null = null;
  const reach = (error: Error) => {
    reached ??= error;
    running.breakOff();
  };
  const listen = () =>
    setTimeout(() => {
      const back = `yt-dlp said nothing for ${silenceMs / 1000} s`;
      reach(
        ApplicationFailure.create({ message: `read list ${address}: ${back} — it is tried again` }),
      );
    }, silenceMs);
  const whole = setTimeout(() => {
    const back = `yt-dlp was not through after ${wholeMs / 1000} s`;
    const hint = 'give pages with less on them, or a list made beforehand';
    reach(new ListUnreadable(`read list ${address}: ${back} — ${hint}`));
  }, wholeMs);
  let silence = listen();
  return {
    pause: () => clearTimeout(silence),
    resume: () => {
      silence = listen();
    },
    throwIfReached: () => {
      if (reached !== null) throw reached;
    },
    clear: () => {
      clearTimeout(silence);
      clearTimeout(whole);
    },
  };
}

function withoutKey({ address, as }: PageListing, entry: number): ListUnreadable {
  const hint =
    as === 'id'
      ? 'set "task.url" to "{key}": then keys are the addresses of entries'
      : 'set "task.url" to an address with {key} in it: then keys are the ids of entries';
  return new ListUnreadable(`read list ${address}: entry ${entry} has no ${as} — ${hint}`);
}

function nothingListed({ address }: PageListing, stderr: string): ListUnreadable {
  const { error } = judgeYtDlpErrors(stderr);
  const words = stderr.trim() === '' ? '' : `: ${error}`;
  return new ListUnreadable(
    `read list ${address}: yt-dlp lists nothing there${words} — open the address in a browser to check it`,
  );
}

/** What was given before is not a shorter list: it is none. */
function failed({ address }: PageListing, { failure, stderr }: Ending): Error {
  const verdict = judgeYtDlpErrors(stderr);
  const words = stderr.trim() === '' ? (failure ?? '') : verdict.error;
  const back = `read list ${address}: yt-dlp: ${shortText(words)}`;
  switch (verdict.kind) {
    case 'permanent':
    case 'signed-out':
      return new ListUnreadable(`${back} — open the address in a browser to check it`);
    case 'throttled':
      return ApplicationFailure.create({
        message: `${back} — it is tried again when the site may have patience again`,
        nextRetryDelay: verdict.retryAfterMs ?? patienceMs,
      });
    case 'transient':
      return ApplicationFailure.create({ message: `${back} — it is tried again` });
  }
}
