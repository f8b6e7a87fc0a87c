import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runProgram } from '../../../../workers/downloader/tasks/run-program.ts';

/** Starts a process in a group of its own, which keeps standard error open, says its id and ends. */
const leavesOneBehind = `
  const { spawn } = require('node:child_process');
  const left = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { detached: true, stdio: 'inherit' });
  require('node:fs').writeSync(2, 'left ' + left.pid);
  process.exit(3);
`;

describe('a program that leaves a process behind in a group of its own', () => {
  it('has ended when it ends', async () => {
    const startedMs = performance.now();
    const ending = await runProgram({
      argv: [process.execPath, '-e', leavesOneBehind],
      environment: process.env,
      signal: new AbortController().signal,
    });
    assert.ok(ending.kind === 'exited');
    assert.equal(ending.code, 3);
    const left = Number(/^left (\d+)$/.exec(ending.stderr)?.[1]);
    process.kill(left, 'SIGKILL');
    assert.ok(performance.now() - startedMs < 30_000);
  });
});
