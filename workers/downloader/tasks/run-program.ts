import { spawn } from 'node:child_process';

export type Program = {
  /** The program and its arguments. There is no shell (I9). */
  readonly argv: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Gives it a standard output that breaks when we die. What it writes there is dropped. */
  readonly withOutputPipe?: boolean;
};

export type ProgramEnding =
  | { readonly kind: 'exited'; readonly code: number; readonly stderr: string }
  | { readonly kind: 'killed'; readonly bySignal: string; readonly stderr: string }
  /** The signal was aborted, and the program with all it had started is gone. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'not-started'; readonly error: NodeJS.ErrnoException };

/** The end of standard error, where programs say why they failed. */
const maxStderrBytes = 16 * 1024;

/** After the program's end its output is read for so long at most: it lies in a pipe already. */
const outputEndsMs = 1_000;

/**
 * Runs a program as the leader of its own process group. When the signal is aborted the whole group is killed at once:
 * what it staged is thrown away, so there is nothing to end in order. Resolves when the program is gone; never rejects.
 */
export function runProgram(program: Program): Promise<ProgramEnding> {
  const { argv, cwd, environment, signal } = program;
  const [file, ...rest] = argv;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ kind: 'interrupted' });
    let child;
    try {
      child = spawn(file, rest, {
        cwd,
        env: environment,
        detached: true,
        stdio: ['ignore', program.withOutputPipe === true ? 'pipe' : 'ignore', 'pipe'],
      });
    } catch (error) {
      // Such as a NUL byte in an argument.
      return resolve({ kind: 'not-started', error: error as NodeJS.ErrnoException });
    }
    child.stdout?.resume();
    let stderr = Buffer.alloc(0);
    child.stderr?.on('data', (chunk: Buffer) => {
      const all = Buffer.concat([stderr, chunk]);
      stderr = all.subarray(Math.max(0, all.byteLength - maxStderrBytes));
    });
    const kill = (): void => killGroup(child.pid);
    signal.addEventListener('abort', kill, { once: true });
    let closing: NodeJS.Timeout | undefined;
    const done = (ending: ProgramEnding): void => {
      clearTimeout(closing);
      signal.removeEventListener('abort', kill);
      resolve(ending);
    };
    child.once('error', (error) => {
      if (child.pid === undefined) done({ kind: 'not-started', error });
    });
    child.once('exit', () => {
      // A grandchild that it left behind would keep standard error open, and run on.
      killGroup(child.pid);
      // One that made a group of its own still does: what the program itself wrote has arrived by now.
      closing = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, outputEndsMs);
    });
    child.once('close', (code, bySignal) => {
      const text = stderr.toString('utf8');
      if (signal.aborted) done({ kind: 'interrupted' });
      else if (bySignal !== null) done({ kind: 'killed', bySignal, stderr: text });
      else done({ kind: 'exited', code: code ?? 0, stderr: text });
    });
    return undefined;
  });
}

function killGroup(processId: number | undefined): void {
  if (processId === undefined) return;
  try {
    process.kill(-processId, 'SIGKILL');
  } catch {
    // ESRCH: it is gone already.
  }
}

/** The last lines of what a program wrote to standard error, as one line for an outcome's error. */
export function lastWords(stderr: string): string {
  const maxLines = 3;
  return stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-maxLines)
    .join(' | ');
}
