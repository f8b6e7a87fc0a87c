/**
 * A child process of the local stack: starts it, says when it is ready, stops it.
 *
 * Always true:
 * P1  A child leads its own process group, so that stopping it reaches what it forked (Java wrappers do), and
 *     Ctrl-C in the terminal reaches only us: we stop the children, once and in order.
 * P2  A child does not outlive us, however we die: a guard in its group reads a pipe that we hold; when the pipe
 *     breaks it ends the group.
 * P3  After `stop()` nothing of the group is left.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What tells that a child can be used: a port accepts, a URL answers 2xx, or a line of its log passes the test. */
export type ReadySign =
  | { kind: 'port'; port: number }
  | { kind: 'http'; url: string }
  | { kind: 'line'; test: (line: string) => boolean };

/** How to start one child. `name` is what messages call it. */
export type ProcessOptions = {
  name: string;
  command: string;
  args: string[];
  /** Added to our own environment. */
  env?: Record<string, string>;
  cwd?: string;
  /** Gets stdout and stderr, appended. */
  logFile: string;
  ready: ReadySign;
  readyMs?: number;
  graceMs?: number;
};

/** A running child. */
export type RunningProcess = {
  pid: number;
  logFile: string;
  /** Resolves when the child has ended, for whatever reason; never rejects. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** SIGTERM to the whole group, SIGKILL after the grace time. Resolves when all is gone; may be called again. */
  stop: () => Promise<void>;
};

/** A cold JVM on two busy cores needs up to 20 s; three times that. */
const usualReadyMs = 60_000;
/** Servers of the stack end within 2 s; a Temporal worker waits for its activities. */
const usualGraceMs = 10_000;
/** Short enough not to be noticed, long enough to cost nothing. */
const pollMs = 50;
/** One slow answer while starting must not use up the whole time to get ready. */
const probeMs = 2_000;
/** Enough for a stack trace, little enough for a terminal. */
const tailLines = 15;
const tailBytes = 64 * 1024;

/**
 * P2. The shell replaces itself by the program, so our child's pid is the program's; what stays behind is the guard, which
 * ignores SIGTERM and ends (with the rest of the group) when the pipe breaks. $1 is the grace time in seconds.
 */
const guarded = `
exec 3<&0
{ trap '' TERM INT HUP; exec </dev/null >/dev/null 2>&1; read -r _ <&3; kill -TERM 0
  left=$1; while [ "$left" -gt 0 ] && kill -0 $$; do sleep 1; left=$((left - 1)); done; kill -KILL 0; } &
shift
exec "$@" </dev/null 3<&-
`;

/** Starts a child and resolves when it is ready; when it can't be, stops it and throws with the last lines of its log. */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const { name, logFile, readyMs = usualReadyMs, graceMs = usualGraceMs } = options;
  mkdirSync(dirname(logFile), { recursive: true });
  const logStart = await sizeOf(logFile);
  const child = spawnGuarded(options, graceMs);
  const running = await superviseChild(child, options, graceMs);

  const startedAt = performance.now();
  let end: string | undefined;
  void running.ended.then(({ code, signal }) => {
    end ??= `it ended with ${signal ?? `code ${code}`} before it was ready`;
  });
  while (end === undefined) {
    if (await isReady(options.ready, logFile, logStart)) {
      // Another program's server on the same port answers just as well: only a live child counts.
      if (end === undefined) return running;
    }
    if (performance.now() - startedAt > readyMs) end = `not ready after ${readyMs / 1000} s`;
    else await sleep(pollMs);
  }
  await running.stop();
  const tail = (await readFrom(logFile, logStart)).trimEnd().split('\n').slice(-tailLines);
  throw new Error(`start ${name}: ${end} — see ${logFile}, which ends with:\n${tail.join('\n')}`);
}

function spawnGuarded(options: ProcessOptions, graceMs: number): ChildProcess {
  const log = openSync(options.logFile, 'a');
  try {
    return spawn(
      '/bin/sh',
      ['-c', guarded, 'sh', String(Math.ceil(graceMs / 1000)), options.command, ...options.args],
      {
        detached: true, // P1
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
        stdio: ['pipe', log, log],
      },
    );
  } finally {
    closeSync(log);
  }
}

function superviseChild(
  child: ChildProcess,
  options: ProcessOptions,
  graceMs: number,
): Promise<RunningProcess> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new Error(`start ${options.name}: ${cause.message}`, { cause })),
    );
    child.once('spawn', () => {
      const pid = child.pid!;
      // The pipe only matters to the guard: it must not keep us alive, and its breaking is no error.
      child.stdin?.on('error', () => {});
      const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((done) => {
        child.once('exit', (code, signal) => {
          signalGroup(pid, 'SIGKILL'); // P3: the guard, and what the child left behind
          done({ code, signal });
        });
      });
      let stopping: Promise<void> | undefined;
      const stop = async (): Promise<void> => {
        if (child.exitCode === null && child.signalCode === null) {
          signalGroup(pid, 'SIGTERM');
          const kill = setTimeout(() => signalGroup(pid, 'SIGKILL'), graceMs);
          await ended;
          clearTimeout(kill);
        }
      };
      resolve({ pid, logFile: options.logFile, ended, stop: () => (stopping ??= stop()) });
    });
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: nobody of the group is left, which is what we want. macOS says EPERM for a group of zombies.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

async function isReady(sign: ReadySign, logFile: string, logStart: number): Promise<boolean> {
  switch (sign.kind) {
    case 'port':
      return accepts(sign.port);
    case 'http':
      return fetch(sign.url, { signal: AbortSignal.timeout(probeMs) }).then(
        async (answer) => (await answer.body?.cancel(), answer.ok),
        () => false,
      );
    case 'line':
      return (await readFrom(logFile, logStart)).split('\n').some((line) => sign.test(line));
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.setTimeout(probeMs, () => socket.destroy(new Error('no answer')));
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}

/** The log from `start` on, or only its end when that is long. */
async function readFrom(file: string, start: number): Promise<string> {
  const size = await sizeOf(file);
  if (size <= start) return '';
  const from = Math.max(start, size - tailBytes);
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(size - from),
      0,
      size - from,
      from,
    );
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}
