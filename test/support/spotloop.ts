import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** What a `spotloop` process printed, and its exit code. */
export type Printed = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** A `spotloop` process of a test, its output piped. */
export type Spotloop = {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Printed>;
};

/** The command as real processes, in an environment of nothing but `PATH` and these variables. */
export function spotloopWith(env: Readonly<Record<string, string>>) {
  const start = (...args: string[]): Spotloop => {
    const child = spawn(process.execPath, [program, ...args], {
      env: { PATH: process.env['PATH'], ...env },
    });
    const code = new Promise<number | null>((resolve) => child.once('close', resolve));
    const ended = Promise.all([text(child.stdout), text(child.stderr)]).then(
      async ([stdout, stderr]) => ({ code: await code, stdout, stderr }),
    );
    return { child, ended };
  };
  const run = (...args: string[]): Promise<Printed> => start(...args).ended;
  return {
    start,
    run,
    /** Ends with 1 and one line. */
    refused: async (line: RegExp, ...args: string[]): Promise<void> => {
      const { code, stdout, stderr } = await run(...args);
      assert.deepEqual({ code, stdout }, { code: 1, stdout: '' }, stderr);
      assert.match(stderr, line);
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    },
  };
}

/** No escape sequence, no carriage return: what a log file or a pipe can hold. */
export function assertPlain(printed: Printed): void {
  assert.doesNotMatch(`${printed.stdout}${printed.stderr}`, /[^\P{Cc}\n]/u);
}
