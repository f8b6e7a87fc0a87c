import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { assignmentVariable } from '../../../domain/assignment.ts';
import type { Assignment } from '../../../domain/assignment.ts';

/** What this machine has for downloaders. */
export type DownloaderProgram = {
  /** The entry file, run by the Node that runs us; the downloader's own unless said otherwise. */
  readonly program?: string | undefined;
  /** What downloaders inherit: where the cloud is, and who they are there. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stagingFolder: string;
  readonly logFolder: string;
  /** Seconds between SIGTERM and the end, as the downloader is told. */
  readonly graceSeconds: number;
};

/** How a downloader ended. */
export type DownloaderEnd =
  /** By itself, idle. */
  | { readonly kind: 'idle' }
  /** It cannot run, and another one could not either. */
  | { readonly kind: 'misconfigured'; readonly message: string }
  | {
      readonly kind: 'died';
      readonly message: string;
      readonly livedMs: number;
      /** It was answered when it asked for items: it can run here. */
      readonly hasPulled: boolean;
    };

export type DownloaderProcess = {
  readonly name: string;
  readonly pid: number | undefined;
  /** Resolves after its staging folder is gone too; never rejects. */
  readonly ended: Promise<DownloaderEnd>;
  /** Asks it to drain and end, kills it after its grace time, and resolves when it is gone. May be called again. */
  end(): Promise<void>;
};

const downloaderMain = fileURLToPath(
  new URL('../../../workers/downloader/main.ts', import.meta.url),
);

/** `misconfiguredExitCode` of the downloader: EX_USAGE of sysexits.h. */
const misconfiguredExitCode = 64;

/** Between its own deadline and ours: time to exit, and to be seen exiting on a busy machine. */
const graceReserveMs = 3_000;

/** Enough for one log line of a downloader, error text included. */
const tailBytes = 8_192;

/** Starts one downloader as a child process. Never throws: what cannot be started has died. */
export function startDownloader(
  program: DownloaderProgram,
  assignment: Assignment,
  name: string,
): DownloaderProcess {
  const stagingFolder = join(program.stagingFolder, assignment.run, name);
  const logFile = join(logFolderOf(program, assignment.run), `${name}.log`);
  const healthFolder = join(program.logFolder, 'health', name);
  const startedAtMs = performance.now();
  let child: ChildProcess;
  try {
    mkdirSync(stagingFolder, { recursive: true });
    mkdirSync(logFolderOf(program, assignment.run), { recursive: true });
    child = spawnChild(program, logFile, {
      [assignmentVariable]: JSON.stringify(assignment),
      SPOTLOOP_DOWNLOADER: name,
      SPOTLOOP_EXIT_WITH_STDIN: '1',
      SPOTLOOP_STAGING_FOLDER: stagingFolder,
      SPOTLOOP_HEALTH_FOLDER: healthFolder,
      SPOTLOOP_GRACE_SECONDS: String(program.graceSeconds),
    });
  } catch (error) {
    const message = `run downloader ${name}: it did not start: ${String(error)} — make its folders writable`;
    const ended = Promise.resolve({ kind: 'died', message, livedMs: 0, hasPulled: false } as const);
    return { name, pid: undefined, ended, end: async () => {} };
  }

  const ended = exitOf(child).then(async (exit): Promise<DownloaderEnd> => {
    // What it forked, such as yt-dlp, is in its process group: after a kill nobody else would end that.
    signalGroup(child.pid, 'SIGKILL');
    // Of one that was killed it stays there.
    const hasPulled = existsSync(join(healthFolder, 'ready'));
    for (const folder of [stagingFolder, healthFolder]) {
      await rm(folder, { recursive: true, force: true }).catch(() => {});
    }
    if (exit === 0) return { kind: 'idle' };
    const message = `run downloader ${name}: ${exitText(exit)}${lastWords(logFile)} — see ${logFile}`;
    if (exit === misconfiguredExitCode) return { kind: 'misconfigured', message };
    return { kind: 'died', message, livedMs: performance.now() - startedAtMs, hasPulled };
  });

  let ending: Promise<void> | undefined;
  const end = async () => {
    // To the downloader alone: it ends its task's processes itself, those that can finish finish.
    child.kill('SIGTERM');
    const killer = setTimeout(
      () => signalGroup(child.pid, 'SIGKILL'),
      program.graceSeconds * 1000 + graceReserveMs,
    );
    await ended;
    clearTimeout(killer);
  };
  return { name, pid: child.pid, ended, end: () => (ending ??= end()) };
}

/**
 * Downloaders whose names begin like this and that were started on this machine before, by an earlier Temporal worker
 * too: one of its downloaders may still drain, and a beat must not be taken for another's.
 */
export function countEarlier(program: DownloaderProgram, run: string, prefix: string): number {
  try {
    return readdirSync(logFolderOf(program, run)).filter((name) => name.startsWith(prefix)).length;
  } catch {
    return 0;
  }
}

/** Removes what killed downloaders of a run left behind. */
export async function deleteStaged(program: DownloaderProgram, run: string): Promise<void> {
  await rm(join(program.stagingFolder, run), { recursive: true, force: true });
}

function logFolderOf(program: DownloaderProgram, run: string): string {
  return join(program.logFolder, run);
}

/**
 * Standard input is a pipe that we hold and never write to: it ends when we do, however we die, and the downloader
 * drains then. Output goes to the file directly, so that a downloader that outlives us for its grace time can still log.
 */
function spawnChild(
  program: DownloaderProgram,
  logFile: string,
  variables: Record<string, string>,
): ChildProcess {
  const log = openSync(logFile, 'a');
  try {
    const child = spawn(process.execPath, [program.program ?? downloaderMain], {
      // Its own process group: Ctrl-C in a terminal reaches only us, and we end downloaders in order.
      detached: true,
      env: { ...program.environment, ...variables },
      stdio: ['pipe', log, log],
    });
    child.stdin?.on('error', () => {});
    return child;
  } finally {
    closeSync(log);
  }
}

type Exit = number | NodeJS.Signals | Error;

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      // It never started; errors of a running child's signals come here too.
      if (child.pid === undefined) resolve(error);
    });
    child.once('exit', (code, signal) => resolve(code ?? signal ?? new Error('no exit code')));
  });
}

function exitText(exit: Exit): string {
  if (exit instanceof Error) return `it did not start: ${exit.message}`;
  return typeof exit === 'number' ? `exit code ${exit}` : `killed by ${exit}`;
}

/** What it said of its end, or else the last line that it wrote. */
function lastWords(logFile: string): string {
  try {
    const tail = readFileSync(logFile).subarray(-tailBytes).toString('utf8').trimEnd().split('\n');
    const line = tail.map(endingOf).findLast((words) => words !== null) ?? tail.at(-1) ?? '';
    return line === '' ? '' : `, "${line}"`;
  } catch {
    return '';
  }
}

/** The message of the log's line that says why it ended, which is the one with an exit code; null of any other. */
function endingOf(line: string): string | null {
  if (!line.includes('"exitCode"')) return null;
  try {
    const { exitCode, message } = JSON.parse(line) as { exitCode?: number; message?: string };
    return exitCode === undefined ? null : (message ?? null);
  } catch {
    // Another program's, or cut off at its beginning.
    return null;
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Nobody of the group is left.
  }
}
