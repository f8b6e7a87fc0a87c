import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { startStack, taskQueue } from '../../../infra/local/stack.ts';
import type { Stack } from '../../../infra/local/stack.ts';

const folder = mkdtempSync(join(tmpdir(), 'spotloop-leftover-'));
after(() => rmSync(folder, { recursive: true }));

async function withStack(act: (client: Client, lines: string[]) => Promise<void>): Promise<void> {
  const lines: string[] = [];
  const report = (line: string): unknown => lines.push(line);
  const stack: Stack = await startStack({ folder, withWorker: false, report });
  try {
    const connection = await Connection.connect({ address: stack.temporal.address });
    await act(new Client({ connection }), lines);
    await connection.close();
  } finally {
    await stack.stop();
  }
}

test(
  'a run that a stack left in the middle is ended by the next',
  { timeout: 60_000 },
  async () => {
    await withStack(async ({ workflow }) => {
      await workflow.start('downloadRun', { taskQueue, workflowId: 'left' });
    });
    await withStack(async ({ workflow }, lines) => {
      const { status } = await workflow.getHandle('left').describe();
      assert.equal(status.name, 'TERMINATED');
      assert.match(
        lines.join('\n'),
        /^run left: terminated — the local stack ended during this run/,
      );
    });
  },
);
