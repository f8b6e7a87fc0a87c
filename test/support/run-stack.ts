import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { Audit } from '../../activities/audit/audit.ts';
import { unsoundExitCode } from '../../cli/audit.ts';
import { startStack, taskQueue } from '../../infra/local/stack.ts';
import type { Stack, StackOptions } from '../../infra/local/stack.ts';
import type { RequestCount } from '../../infra/local/site/site.ts';
import { staticTextsOf } from '../../domain/run-description.ts';
import type { RunSpecInput } from '../../domain/run-spec.ts';
import type { downloadRun } from '../../workflows/index.ts';
import { progressQuery } from '../../workflows/messages.ts';

const spotloop = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

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
  /** What `spotloop audit` says of a run. */
  audit(runFolder: string): Promise<Audit>;
  /** How often the site was asked for the page or the clip of each of these. */
  requestsFor(keys: readonly string[]): Promise<number[]>;
  /** How often the site was asked for each of these clips. */
  asked(keys: readonly string[]): Promise<number[]>;
  /** How often the site sent each of these clips to the end. */
  fetched(keys: readonly string[]): Promise<number[]>;
  /** Topics and subscriptions that exist. */
  queueLeft(): Promise<string[]>;
  /** Deletes a run's topics and subscriptions, with all messages. */
  deleteQueue(run: string): Promise<void>;
  /** Process ids of the downloaders that live; of one run, by its name. */
  downloaders(run?: string): Promise<number[]>;
  /** Process ids of a run's downloaders and their programs that live on this machine. */
  processes(run: string): Promise<number[]>;
  /** What downloaders of a run staged on this machine, and nobody removed. */
  staged(run: string): Promise<string[]>;
  /** Kills the stack's Temporal worker with -9 and resolves when there is another. */
  killTemporalWorker(): Promise<void>;
  /** Removes its files as well, unless somebody wants to look at them. */
  stop(options?: { readonly areFilesKept?: boolean }): Promise<void>;
};

const run = promisify(execFile);

/**
 * Between two looks of {@link waitUntil}, ms: a tenth of what was waited so far, within these. A look at a cluster costs
 * both sides some 10 ms of a core, and a dozen tests look at a time.
 */
const pause = { leastMs: 200, mostMs: 1_500, share: 0.1 } as const;

/** Twice what the slowest thing waited for takes where ten runs share two cores. */
const patienceMs = 180_000;

/** Waits for a state. What never comes is an error that says what was waited for, as the condition is written. */
export async function waitUntil(
  isSo: () => Promise<boolean>,
  forMs: number = patienceMs,
): Promise<void> {
  const startMs = performance.now();
  while (!(await isSo())) {
    const waitedMs = performance.now() - startMs;
    if (waitedMs > forMs) {
      throw new Error(`waited ${forMs / 1000} s in vain for ${isSo.toString()}`);
    }
    await sleep(Math.min(pause.mostMs, Math.max(pause.leastMs, waitedMs * pause.share)));
  }
}

/** Items that have an outcome so far, as a watcher sees it. */
export async function settledOf(handle: RunHandle): Promise<number> {
  return (await handle.query(progressQuery)).settled;
}

export async function startRunStack(
  options: Pick<StackOptions, 'fleet' | 'extraPool' | 'env' | 'ports' | 'withWorker'> = {},
): Promise<RunStack> {
  const folder = await mkdtemp(join(tmpdir(), 'spotloop-e2e-'));
  const stack = await startStack({ folder, ...options });
  const connection = await Connection.connect({ address: stack.temporal.address });
  const client = new Client({ connection });
  const requests = async (): Promise<Record<string, RequestCount>> =>
    (await fetch(`${stack.site.address}/requests`)).json() as Promise<Record<string, RequestCount>>;
  const world: RunStack = {
    stack,
    client,
    start: (workflowId, input, queue = taskQueue) =>
      client.workflow.start<typeof downloadRun>('downloadRun', {
        taskQueue: queue,
        workflowId,
        args: [input],
        ...staticTextsOf(input),
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
    audit: async (runFolder) => {
      const env = { ...process.env, STORAGE_EMULATOR_HOST: stack.storage.endpoint };
      const audit = ['audit', '--json', runFolder];
      // Of an unsound run it says so in its exit code as well.
      const { stdout } = await run(process.execPath, [spotloop, ...audit], { env }).catch(
        (error: { stdout?: string; code?: unknown }) => {
          if (error.code !== unsoundExitCode) throw error;
          return { stdout: error.stdout ?? '' };
        },
      );
      return JSON.parse(stdout) as Audit;
    },
    requestsFor: async (keys) => {
      const counts = await requests();
      return keys.map((key) => (counts[key]?.watch ?? 0) + (counts[key]?.clip ?? 0));
    },
    asked: async (keys) => {
      const counts = await requests();
      return keys.map((key) => counts[key]?.clip ?? 0);
    },
    fetched: async (keys) => {
      const counts = await requests();
      return keys.map((key) => counts[key]?.complete ?? 0);
    },
    queueLeft: async () => {
      const list = async (kind: 'topics' | 'subscriptions'): Promise<string[]> => {
        const url = `http://${stack.pubsub.host}/v1/projects/spotloop-local/${kind}`;
        const answer = (await (await fetch(url)).json()) as Record<string, { name: string }[]>;
        return (answer[kind] ?? []).map(({ name }) => name);
      };
      return [...(await list('topics')), ...(await list('subscriptions'))];
    },
    deleteQueue: async (name) => {
      for (const queue of (await world.queueLeft()).filter((one) => one.includes(name))) {
        await fetch(`http://${stack.pubsub.host}/v1/${queue}`, { method: 'DELETE' });
      }
    },
    downloaders: async (name = '') => {
      const { stdout } = await run('ps', ['-eo', 'pid=,args=']);
      const ours = stdout.split('\n').filter((line) => line.includes('workers/downloader/main.ts'));
      const pids = ours.map((line) => Number.parseInt(line, 10));
      const ofOurs = [
        // Another stack's may run beside ours: what they pull from tells them apart.
        `PUBSUB_EMULATOR_HOST=${stack.env['PUBSUB_EMULATOR_HOST']}`,
        `SPOTLOOP_DOWNLOADER=${name}`,
      ];
      const owned = await Promise.all(pids.map((pid) => hasVariables(pid, ofOurs)));
      return pids.filter((_, place) => owned[place]);
    },
    processes: async (name) => {
      const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
      const ofRun = await Promise.all(pids.map((pid) => isOfRun(pid, name)));
      return pids.filter((_, place) => ofRun[place]);
    },
    staged: (name) =>
      readdir(join(stack.env['SPOTLOOP_STAGING_FOLDER'] ?? '', name), { recursive: true }).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return [];
          throw error;
        },
      ),
    killTemporalWorker: async () => {
      const pid = stack.workerPid();
      assert.ok(pid !== undefined);
      process.kill(pid, 'SIGKILL');
      await waitUntil(async () => ![undefined, pid].includes(stack.workerPid()));
    },
    stop: async ({ areFilesKept = false } = {}) => {
      await connection.close();
      await stack.stop();
      if (!areFilesKept) await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}

/** A downloader is told its run; its programs have their home in a folder that is named after it. */
async function isOfRun(pid: number, name: string): Promise<boolean> {
  const variables = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return variables.includes(name);
}

/** Whether each of these stands at the beginning of one of a process's variables. */
async function hasVariables(pid: number, beginnings: readonly string[]): Promise<boolean> {
  try {
    const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
    return beginnings.every((beginning) => variables.some((one) => one.startsWith(beginning)));
  } catch {
    // It ended while we looked.
    return false;
  }
}
