import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Assignment } from '../../../domain/assignment.ts';
import { decodeBeat } from '../../../domain/beat.ts';
import type { Beat } from '../../../domain/beat.ts';
import { decodeItem, encodeItem } from '../../../domain/item.ts';
import type { Item } from '../../../domain/item.ts';
import { decodeOutcomes } from '../../../domain/outcome.ts';
import type { Outcome } from '../../../domain/outcome.ts';
import { createGoogleClients } from '../../../workers/process/google-clients.ts';
import type { GoogleClients } from '../../../workers/process/google-clients.ts';
import type { ItemQueueName } from '../../../workers/downloader/queue.ts';
import { startQueueAndStorage } from '../../support/stack.ts';
import type { QueueAndStorage } from '../../support/stack.ts';
import { uniqueName } from '../../support/unique-name.ts';

const mainFile = fileURLToPath(new URL('../../../workers/downloader/main.ts', import.meta.url));

/** What a test waits for arrives well within this, also on a busy machine. */
const patienceMs = 60_000;

/** Pub/Sub's shortest. */
export const leaseDeadlineMs = 10_000;

/** The servers and clients of one test file. */
export type World = {
  readonly stack: QueueAndStorage;
  readonly clients: GoogleClients;
  run(task: Assignment['task'], overrides?: Partial<Assignment>): Promise<Run>;
  stop(): Promise<void>;
};

/** A queue of its own for one test. */
export type Run = {
  readonly assignment: Assignment;
  readonly staging: string;
  publish(items: readonly (Partial<Item> & { key: string })[], to?: ItemQueueName): Promise<void>;
  /** Removes the subscriptions that items are pulled from, with all their messages; the other makes them again. */
  deleteQueue(): Promise<void>;
  createQueue(): Promise<void>;
  /** Resolves when so many different indices have an outcome; all outcomes so far, repeats included. */
  outcomes(count: number): Promise<Outcome[]>;
  /** Resolves with the first beat like this. */
  beat(isLike: (beat: Beat) => boolean): Promise<Beat>;
  /** What is left in the queue, each message given back at once. */
  left(of?: ItemQueueName): Promise<{ item: Item; deliveryAttempt: number }[]>;
  /** What a downloader of this run is started with. */
  variables(): Record<string, string | undefined>;
  /** Starts one, with more variables or other ones. */
  start(more?: Record<string, string>): Downloader;
};

export type Downloader = {
  readonly child: ChildProcess;
  /** What it wrote to standard output and error. */
  stdout(): string;
  stderr(): string;
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
};

export async function createWorld(): Promise<World> {
  const stack = await startQueueAndStorage();
  Object.assign(process.env, stack.env);
  const clients = await createGoogleClients({ projectId: stack.project });
  const downloaders: Downloader[] = [];
  return {
    stack,
    clients,
    run: (task, overrides) => createRun({ stack, clients, downloaders }, task, overrides ?? {}),
    async stop() {
      for (const { child } of downloaders) child.kill('SIGKILL');
      await Promise.all(downloaders.map(({ ended }) => ended));
      await clients.close();
      await stack.stop();
    },
  };
}

type Parts = { stack: QueueAndStorage; clients: GoogleClients; downloaders: Downloader[] };

async function createRun(
  { stack, clients, downloaders }: Parts,
  task: Assignment['task'],
  overrides: Partial<Assignment>,
): Promise<Run> {
  const run = uniqueName('run');
  const assignment: Assignment = {
    run,
    itemsTopic: `spotloop-${run}-items`,
    suspectsTopic: `spotloop-${run}-suspects`,
    outcomesTopic: `spotloop-${run}-outcomes`,
    bucket: stack.bucket,
    prefix: `${run}/`,
    task,
    concurrency: 4,
    leaseDeadlineMs,
    attempts: 3,
    maxDeaths: 5,
    itemTimeoutMs: 120_000,
    maxItemSizeBytes: 50_000_000,
    idleExitMs: 300_000,
    ...overrides,
  };
  const { publisher, subscriber, projectId } = clients;
  const topic = (name: string): string => `projects/${projectId}/topics/${name}`;
  const subscription = (name: string): string => `projects/${projectId}/subscriptions/${name}`;
  const dead = `spotloop-${run}-dead-items`;
  const { itemsTopic, suspectsTopic, outcomesTopic } = assignment;
  for (const name of [itemsTopic, suspectsTopic, outcomesTopic, dead]) {
    await publisher.createTopic({ name: topic(name) });
  }
  const itemTopics = [itemsTopic, suspectsTopic];
  const createQueue = async (): Promise<void> => {
    for (const name of itemTopics) {
      await subscriber.createSubscription({
        name: subscription(name),
        topic: topic(name),
        ackDeadlineSeconds: leaseDeadlineMs / 1000,
        deadLetterPolicy: { deadLetterTopic: topic(dead), maxDeliveryAttempts: 100 },
      });
    }
  };
  await createQueue();
  await subscriber.createSubscription({
    name: subscription(outcomesTopic),
    topic: topic(outcomesTopic),
    ackDeadlineSeconds: 600,
  });
  const staging = await mkdtemp(join(stack.folder, 'staging-'));
  const outcomes: Outcome[] = [];
  const beats: Beat[] = [];

  /** Takes in what has arrived on the outcomes topic, waiting a moment for the first. */
  const take = async (): Promise<void> => {
    const [{ receivedMessages }] = await subscriber.pull(
      { subscription: subscription(outcomesTopic), maxMessages: 100 },
      { timeout: 2_000, retry: null },
    );
    const received = receivedMessages ?? [];
    for (const { message } of received) {
      const text = Buffer.from((message?.data ?? '') as Uint8Array).toString('utf8');
      if (message?.attributes?.['kind'] === 'beat') beats.push(decodeBeat(text));
      else outcomes.push(...decodeOutcomes(text));
    }
    const ackIds = received.map(({ ackId }) => ackId ?? '');
    if (ackIds.length > 0) {
      await subscriber.acknowledge({ subscription: subscription(outcomesTopic), ackIds });
    }
  };
  const until = async (what: string, isThere: () => boolean): Promise<void> => {
    const endMs = performance.now() + patienceMs;
    while (!isThere()) {
      if (performance.now() > endMs) {
        const logs = downloaders.map((one) => one.stdout() + one.stderr()).join('');
        throw new Error(
          `${what}: not within ${patienceMs} ms; ${JSON.stringify(outcomes)}; ${logs}`,
        );
      }
      await take().catch((error: unknown) => {
        if ((error as { code?: number }).code !== 4) throw error;
      });
    }
  };

  const variables = (): Record<string, string | undefined> => ({
    ...process.env,
    ...stack.env,
    SPOTLOOP_ASSIGNMENT: JSON.stringify(assignment),
    SPOTLOOP_STAGING_FOLDER: staging,
    SPOTLOOP_GRACE_SECONDS: '15',
    SPOTLOOP_LOG_LEVEL: 'debug',
  });

  return {
    assignment,
    staging,
    async publish(items, to = 'items') {
      const messages = items.map((item, place) => ({
        data: Buffer.from(encodeItem({ index: place, deaths: 0, ...item })),
      }));
      await publisher.publish({
        topic: topic(to === 'items' ? itemsTopic : suspectsTopic),
        messages,
      });
    },
    createQueue,
    async deleteQueue() {
      for (const name of itemTopics) {
        await subscriber.deleteSubscription({ subscription: subscription(name) });
      }
    },
    async outcomes(count) {
      const settled = (): number => new Set(outcomes.map(({ index }) => index)).size;
      await until(`${count} outcomes`, () => settled() >= count);
      return outcomes;
    },
    async beat(isLike) {
      await until('a beat', () => beats.some((beat) => isLike(beat)));
      return beats.find((beat) => isLike(beat))!;
    },
    async left(of = 'items') {
      const found: { item: Item; deliveryAttempt: number }[] = [];
      const [{ receivedMessages }] = await subscriber
        .pull(
          {
            subscription: subscription(of === 'items' ? itemsTopic : suspectsTopic),
            maxMessages: 100,
          },
          { timeout: 3_000, retry: null },
        )
        .catch(() => [{ receivedMessages: [] }]);
      for (const { message, deliveryAttempt } of receivedMessages ?? []) {
        const text = Buffer.from((message?.data ?? '') as Uint8Array).toString('utf8');
        found.push({ item: decodeItem(text), deliveryAttempt: deliveryAttempt ?? 0 });
      }
      return found;
    },
    variables,
    start(more = {}) {
      const downloader = startProcess({ ...variables(), ...more });
      downloaders.push(downloader);
      return downloader;
    },
  };
}

/** Starts the downloader with these variables and nothing else. */
export function startProcess(environment: Record<string, string | undefined>): Downloader {
  const child = spawn(process.execPath, [mainFile], {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

/** The only line on a downloader's standard error: that it ends, and why. */
export function lastWords(downloader: Downloader): Record<string, unknown> {
  const lines = downloader.stderr().trimEnd().split('\n');
  assert.equal(lines.length, 1, downloader.stderr());
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

/** Resolves when `isTrue` gives something other than null, undefined or false; looks ten times a second. */
export async function eventually<Result>(
  what: string,
  isTrue: () => Promise<Result | null | undefined | false> | Result | null | undefined | false,
): Promise<Result> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const result = await isTrue();
    if (result !== null && result !== undefined && result !== false) return result;
    if (performance.now() > endMs) throw new Error(`${what}: not within ${patienceMs} ms`);
    await sleep(100);
  }
}

/** All files and folders in a folder, at any depth. */
export async function everythingIn(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  return readdir(folder, { recursive: true });
}
