import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startProcess } from '../../../infra/local/process.ts';
import type { ProcessOptions } from '../../../infra/local/process.ts';
import { uniqueName } from '../../support/unique-name.ts';

const folder = mkdtempSync(join(tmpdir(), 'spotloop-process-'));
after(() => rmSync(folder, { recursive: true }));

const sleeper = fileURLToPath(new URL('sleeper.ts', import.meta.url));

function options(more: Partial<ProcessOptions> = {}): ProcessOptions {
  return {
    name: 'the sleeper',
    command: process.execPath,
    args: [sleeper],
    logFile: join(folder, uniqueName('log')),
    ready: { kind: 'line', test: (line) => line === 'ready' },
    graceMs: 500,
    ...more,
  };
}

function pidsIn(logFile: string): number[] {
  const line = readFileSync(logFile, 'utf8').split('\n')[0]!;
  return (JSON.parse(line) as { pids: number[] }).pids;
}

/** Whether the process runs; one that has ended and waits for its parent counts as gone. */
function isRunning(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

async function untilGone(pids: number[]): Promise<void> {
  while (pids.some(isRunning)) await sleep(20);
}

test('stopping ends a child and what it forked', { timeout: 20_000 }, async () => {
  const started = await startProcess(options());
  const pids = pidsIn(started.logFile);
  assert.equal(pids[0], started.pid);
  assert.ok(pids.every(isRunning));
  await started.stop();
  assert.deepEqual(await started.ended, { code: 0, signal: null });
  await untilGone(pids);
});

test(
  'a child that ignores SIGTERM is killed after the grace time',
  { timeout: 20_000 },
  async () => {
    const started = await startProcess(options({ args: [sleeper, 'stubborn'] }));
    await Promise.all([started.stop(), started.stop()]);
    assert.deepEqual(await started.ended, { code: null, signal: 'SIGKILL' });
    await untilGone(pidsIn(started.logFile));
  },
);

test('a child does not outlive a parent that is killed', { timeout: 20_000 }, async () => {
  const logFile = join(folder, uniqueName('log'));
  const parent = spawn(process.execPath, [
    fileURLToPath(new URL('starts-and-dies.ts', import.meta.url)),
    logFile,
  ]);
  const [, signal] = await once(parent, 'exit');
  assert.equal(signal, 'SIGKILL');
  await untilGone(pidsIn(logFile));
});

test('a child that ends while starting is an error with the end of its log', async () => {
  const script = 'console.log("old"); console.error("no such port"); process.exit(3)';
  const failing = options({ name: 'the server', args: ['-e', script] });
  await assert.rejects(
    startProcess(failing),
    /start the server: it ended with code 3 before it was ready — see .*:\nold\nno such port$/,
  );
});

test('a child that is never ready is stopped', { timeout: 20_000 }, async () => {
  const never = options({ readyMs: 1500, ready: { kind: 'line', test: () => false } });
  await assert.rejects(startProcess(never), /start the sleeper: not ready after 1.5 s/);
  await untilGone(pidsIn(never.logFile));
});

test('a program that does not exist is an error that names it', async () => {
  await assert.rejects(startProcess(options({ command: '/no/such' })), /\/no\/such.*not found/);
});
