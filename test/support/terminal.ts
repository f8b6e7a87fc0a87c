import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** A `spotloop` process whose standard streams are a terminal of 24 lines of 80 characters. */
export type TerminalSession = {
  /** As if a person typed it: `\x03` is Ctrl-C. */
  readonly type: (keys: string) => void;
  /** What the terminal was sent so far. */
  readonly screen: () => string;
  /** All that it was sent, and the exit code. */
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
};

/** The command on a terminal that `script` (util-linux) makes, in an environment of nothing but `PATH` and these variables. */
export function spotloopOnTerminal(
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): TerminalSession {
  const words = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ');
  const command = `stty cols 80 rows 24 && exec ${words}`;
  const child: ChildProcessWithoutNullStreams = spawn(
    'script',
    ['--quiet', '--return', '--flush', '--command', command, '/dev/null'],
    { env: { PATH: process.env['PATH'], SHELL: '/bin/sh', TERM: 'xterm-256color', ...env } },
  );
  let sent = '';
  child.stdout.on('data', (chunk: Buffer) => (sent += chunk.toString()));
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    type: (keys) => child.stdin.write(keys),
    screen: () => sent,
    ended: text(child.stdout).then(async (output) => ({ code: await code, output })),
  };
}
