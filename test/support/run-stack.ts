import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { startStack, taskQueue } from '../../infra/local/stack.ts';
import type { Stack, StackOptions } from '../../infra/local/stack.ts';
import type { RunSpecInput } from '../../domain/run-spec.ts';
import type { downloadRun } from '../../workflows/index.ts';
import { progressQuery } from '../../workflows/messages.ts';

export type RunHandle = WorkflowHandleWithFirstExecutionRunId<typeof downloadRun>;

/** The whole local stack in a fresh folder, and what a test of whole runs asks of it. */
export type RunStack = {
  readonly stack: Stack;
  readonly client: Client;
  /** Starts a run as a person would; without a task queue on the stack's own. */
  start(workflowId: string, input: Partial<RunSpecInput>, taskQueue?: string): Promise<RunHandle>;
  /** The `temporal` program with this stack's address; resolves to what it prints. */
  temporal(...args: string[]): Promise<string>;
  /** Names of the objects under a prefix of the bucket, sorted. */
  objects(prefix: string): Promise<string[]>;
  /** A file of a run's folder. */
  readRunFile(runFolder: string, name: string): Promise<string>;
  /** Topics and subscriptions that exist. */
  queueLeft(): Promise<string[]>;
  /** Process ids of the downloaders that live. */
  downloaders(): Promise<number[]>;
  stop(): Promise<void>;
};

const run = promisify(execFile);

/** How often {@link waitUntil} looks, ms: a look at a cluster costs both sides some 10 ms. */
const lookEveryMs = 200;

/** Twice what the slowest thing waited for takes where ten runs share two cores. */
const patienceMs = 180_000;

/** Waits for a state. What never comes is an error that says what was waited for, as the condition is written. */
export async function waitUntil(
  isSo: () => Promise<boolean>,
  forMs: number = patienceMs,
): Promise<void> {
  const endMs = performance.now() + forMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) {
      throw new Error(`waited ${forMs / 1000} s in vain for ${isSo.toString()}`);
    }
    await sleep(lookEveryMs);
  }
}

/** Items that have an outcome so far, as a watcher sees it. */
export async function settledOf(handle: RunHandle): Promise<number> {
  return (await handle.query(progressQuery)).settled;
}

export async function startRunStack(options: Pick<StackOptions, 'fleet'> = {}): Promise<RunStack> {
  const folder = await mkdtemp(join(tmpdir(), 'spotloop-e2e-'));
  const stack = await startStack({ folder, ...options });
  const connection = await Connection.connect({ address: stack.temporal.address });
  const client = new Client({ connection });
  return {
    stack,
    client,
    start: (workflowId, input, queue = taskQueue) =>
      client.workflow.start<typeof downloadRun>('downloadRun', {
        taskQueue: queue,
        workflowId,
        args: [input],
      }),
    temporal: async (...args) => {
      const { stdout } = await run(stack.temporalCli, [
        ...args,
        '--address',
        stack.temporal.address,
      ]);
      return stdout;
    },
    objects: async (prefix) => {
      const names = await readdir(join(stack.bucketFolder, prefix)).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      });
      return names.toSorted((a, b) => (a < b ? -1 : 1));
    },
    readRunFile: (runFolder, name) =>
      readFile(join(stack.bucketFolder, runFolder.replace(/^gs:\/\/[^/]+\//, ''), name), 'utf8'),
    queueLeft: async () => {
      const list = async (kind: 'topics' | 'subscriptions'): Promise<string[]> => {
        const url = `http://${stack.pubsub.host}/v1/projects/spotloop-local/${kind}`;
        const answer = (await (await fetch(url)).json()) as Record<string, { name: string }[]>;
        return (answer[kind] ?? []).map(({ name }) => name);
      };
      return [...(await list('topics')), ...(await list('subscriptions'))];
    },
    downloaders: async () => {
      const { stdout } = await run('ps', ['-eo', 'pid=,args=']);
      const ours = stdout.split('\n').filter((line) => line.includes('workers/downloader/main.ts'));
      const pids = ours.map((line) => Number.parseInt(line, 10));
      const owned = await Promise.all(pids.map((pid) => isOf(pid, stack.pubsub.host)));
      return pids.filter((_, place) => owned[place]);
    },
    stop: async () => {
      await connection.close();
      await stack.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Another stack's downloaders may run beside ours: what they pull from tells them apart. */
async function isOf(pid: number, pubsubHost: string): Promise<boolean> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    return environment.split('\0').includes(`PUBSUB_EMULATOR_HOST=${pubsubHost}`);
  } catch {
    // It ended while we looked.
    return false;
  }
}
