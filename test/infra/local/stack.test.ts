import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { startStack, taskQueue } from '../../../infra/local/stack.ts';
import type { Stack } from '../../../infra/local/stack.ts';
import { uniqueName } from '../../support/unique-name.ts';

/** Bundling the workflows and starting a JVM on a busy machine. */
const slow = { timeout: 120_000 };

const folder = mkdtempSync(join(tmpdir(), 'spotloop-stack-'));
const lines: string[] = [];
let stack: Stack;

before(async () => {
  stack = await startStack({ folder, report: (line) => lines.push(line) });
}, slow);
after(async () => {
  await stack.stop();
  assert.ok(!existsSync(join(folder, 'stack.pid')));
  rmSync(folder, { recursive: true });
}, slow);

test('a second stack in the same folder is refused', async () => {
  const second = startStack({ folder, withWorker: false });
  await assert.rejects(second, /one is running there already \(process \d+\) — stop it/);
});

test('a Temporal worker that is killed is started again and polls', slow, async () => {
  const killed = stack.workerPid()!;
  process.kill(killed, 'SIGKILL');
  while (stack.workerPid() === killed) await sleep(50);
  assert.ok(lines.includes('the Temporal worker ended with SIGKILL: starting it again'));

  const connection = await Connection.connect({ address: stack.temporal.address });
  try {
    const { workflow } = new Client({ connection });
    const workflowId = uniqueName('refused');
    const options = { taskQueue, workflowId, args: [{ itms: 'x' }] };
    await assert.rejects(workflow.execute('downloadRun', options), (error: Error) => {
      assert.match((error.cause as Error).message, /itms/);
      return true;
    });
  } finally {
    await connection.close();
  }
});
