import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { Client } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Retry } from '../../cli/retry.ts';
import { runFolder, runName } from '../../domain/names.ts';
import type { RunRef } from '../../domain/names.ts';
import { parseRunSpec } from '../../domain/run-spec.ts';
import { ensurePart } from '../../infra/local/install/part.ts';
import { findTemporalCli } from '../../infra/local/install/temporal-cli.ts';
import { beginRun } from '../activities/audit/scene.ts';
import type { EndedRun } from '../activities/audit/scene.ts';
import { failed } from '../activities/ledger/arbitrary-outcomes.ts';
import { closeWorld, openWorld } from '../activities/world.ts';
import type { World } from '../activities/world.ts';
import { uniqueName } from '../support/unique-name.ts';

let world: World;
let temporal: TestWorkflowEnvironment;
let client: Client;
before(async () => {
  const path = await ensurePart(await findTemporalCli());
  [world, temporal] = await Promise.all([
    openWorld(),
    TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'existing-path', path }, namespace: 'bulk' },
    }),
  ]);
  client = new Client({ connection: temporal.connection, namespace: 'bulk' });
});
after(async () => {
  await temporal.teardown();
  await closeWorld(world);
});

const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

async function spotloop(...args: string[]) {
  const env = {
    PATH: process.env['PATH'],
    ...world.stack.env,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: 'bulk',
  };
  const child = spawn(process.execPath, [program, ...args], { env });
  const code = new Promise((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

const exhausted = (index: number) => ({ ...failed(index), reason: 'exhausted' as const });

/** Six items: stored, failed for good, exhausted, quarantined, without outcome, there before. */
async function beginEndedRun(run?: RunRef): Promise<EndedRun> {
  const ended = await beginRun(world, ['a', 'b', 'c', 'd', 'e'], { present: ['f'], run });
  await ended.settle(0, [
    await ended.store('a', 0),
    failed(1),
    exhausted(2),
    { kind: 'quarantined', index: 3, attempts: 0, seconds: 1, atMs: 1, deaths: 5 },
  ]);
  return ended;
}

/** A workflow of that type which nobody works on, with what its run left. */
async function startRun(workflowId = uniqueName('retry')) {
  const { bucket } = world.stack;
  const handle = await client.workflow.start('downloadRun', {
    taskQueue: 'bulk',
    workflowId,
    args: [{ items: ['a'], destination: `gs://${bucket}/videos/` }],
  });
  const { firstExecutionRunId: firstRunId } = handle;
  const name = runName(workflowId, firstRunId);
  return { handle, run: { name, workflowId, firstRunId, bucket } };
}

const folderOf = ({ run }: EndedRun) => `gs://${run.bucket}/${runFolder(run.name).root}`;

async function started(...args: string[]): Promise<Retry & { keys: string[] }> {
  const { code, stdout, stderr } = await spotloop('retry', '--json', ...args);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const retry = JSON.parse(stdout) as Retry;
  const [, bucket = '', name = ''] = /^gs:\/\/([^/]+)\/(.+)$/.exec(String(retry.input.items)) ?? [];
  const [bytes] = await world.google.storage.bucket(bucket).file(name).download();
  return { ...retry, keys: bytes.toString('utf8').trimEnd().split('\n') };
}

/** Ends with 1 and one line. */
async function refused(line: RegExp, ...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await spotloop('retry', ...args);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
  assert.match(stderr, line);
  assert.equal(stderr.trimEnd().split('\n').length, 1);
}

describe('spotloop retry', { concurrency: true }, () => {
  it('starts a run with what failed and may succeed, and says how to watch it', async () => {
    const ended = await beginEndedRun();
    await ended.report();
    const { code, stdout, stderr } = await spotloop('retry', folderOf(ended));
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const { workflowId } = ended.run;
    const handle = client.workflow.getHandle(workflowId);
    const { runId, type, taskQueue } = await handle.describe();
    assert.deepEqual([type, taskQueue], ['downloadRun', 'spotloop']);
    assert.deepEqual(stdout.split('\n'), [
      `started  ${workflowId}: 2 items of run ${ended.run.name}`,
      `list     ${folderOf(ended)}retry.txt`,
      `folder   gs://${ended.run.bucket}/${runFolder(runName(workflowId, runId)).root}`,
      `watch    spotloop watch ${workflowId}`,
      '',
    ]);
    await refused(/it is running — wait for its end/, folderOf(ended));
    await handle.terminate();
  });

  it('takes what failed for good and was quarantined with --all, and the task queue that it is told', async () => {
    const ended = await beginEndedRun();
    await ended.report();
    const { items, keys, input, taskQueue } = await started(
      folderOf(ended),
      '--all',
      '--task-queue=other',
    );
    assert.deepEqual([items, keys, taskQueue], [4, ['b', 'c', 'd', 'e'], 'other']);
    assert.deepEqual(input, {
      items: `${folderOf(ended)}retry-all.txt`,
      destination: `gs://${ended.run.bucket}/${ended.prefix}`,
      goneFor: '0',
    });
    assert.equal(parseRunSpec(input).kind, 'valid');
  });

  it('finds the latest run of a workflow id, and works without a report, for it was terminated', async () => {
    const { handle, run } = await startRun();
    await refused(/it is running — wait for its end/, run.workflowId);
    const ended = await beginEndedRun(run);
    await handle.terminate();
    const { keys, retried, taskQueue, workflowId } = await started(run.workflowId);
    assert.deepEqual(keys, ['c', 'e']);
    assert.deepEqual([retried, taskQueue, workflowId], [run.name, 'bulk', run.workflowId]);
    await client.workflow.getHandle(workflowId).terminate();
    // Its list is of the ledger as it was then.
    await ended.settle(1, [await ended.store('c', 2)]);
    assert.deepEqual((await started(folderOf(ended))).keys, ['e']);
  });

  it('starts nothing where nothing is left', async () => {
    const ended = await beginRun(world, ['a']);
    await ended.settle(0, [failed(0)]);
    await ended.report();
    await refused(
      /nothing is left to do again — --all takes what failed for good/,
      folderOf(ended),
    );
    await assert.rejects(client.workflow.getHandle(ended.run.workflowId).describe());
  });

  it('ends with 1 and one line where there is no run', async () => {
    await refused(
      /^find run "nobody": Temporal knows no such workflow .* namespace bulk/,
      'nobody',
    );
    const { handle, run } = await startRun();
    await handle.terminate();
    await refused(/holds no snapshot — it ended before its list was read/, run.workflowId);
    await refused(/a run folder is gs:\/\/BUCKET/, 'gs://bucket/videos/');
  });
});
