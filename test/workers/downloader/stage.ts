import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment } from '../../../domain/assignment.ts';
import { outcomesTopicKinds } from '../../../domain/beat.ts';
import { decodeItem, encodeItem } from '../../../domain/item.ts';
import { decodeOutcomes } from '../../../domain/outcome.ts';
import type { Outcome } from '../../../domain/outcome.ts';
import { runDownloader } from '../../../workers/downloader/downloader.ts';
import type { Delivery, ItemQueueName, Queue } from '../../../workers/downloader/queue.ts';
import type { AttemptEnding, Settled } from '../../../workers/downloader/tasks/task.ts';
import { noMeter } from '../../../workers/downloader/meter.ts';
import { createThrottle } from '../../../workers/downloader/throttle.ts';
import { createLog } from '../../../workers/process/log.ts';

/** What a test waits for comes within milliseconds. */
const patienceMs = 5_000;

const stored: AttemptEnding = { kind: 'stored', object: 'v/it', sizeBytes: 1, crc32c: 'AAAAAA==' };

/** A message as a test puts it into a queue, that of items by default; its ack id is its key. */
export type Put = {
  readonly key: string;
  readonly deaths?: number;
  readonly deliveries?: number;
  readonly to?: ItemQueueName;
};

/**
 * A downloader in this process whose remotes the test holds: every call is in the journal, in its order, as the remote has
 * confirmed it. So the protocol is seen in milliseconds; downloader.test.ts shows it with real processes and servers.
 */
export function createStage(overrides: Partial<Assignment> = {}) {
  const assignment: Assignment = {
    run: 'r',
    itemsTopic: 'items',
    suspectsTopic: 'suspects',
    outcomesTopic: 'outcomes',
    bucket: 'bucket',
    prefix: 'v/',
    task: { kind: 'command', name: 'it', extension: '' },
    concurrency: 4,
    leaseDeadlineMs: 60_000,
    attempts: 3,
    maxDeaths: 5,
    itemTimeoutMs: 60_000,
    maxItemSizeBytes: 1_000,
    idleExitMs: 60_000,
    ...overrides,
  };
  const journal: string[] = [];
  const outcomes: Outcome[] = [];
  const waiting: Record<ItemQueueName, Delivery[]> = { items: [], suspects: [] };
  const found = new Map<string, Settled>();
  const atWork = new Map<string, (ending: AttemptEnding) => void>();
  /** Calls of these names wait until the gate is opened. */
  const gates = new Map<string, Promise<void>>();
  const [stopping, killing, over] = [
    new AbortController(),
    new AbortController(),
    new AbortController(),
  ];
  let isRenewalRefused = false;
  let indices = 0;

  const pass = async (call: string, isBeat = false): Promise<void> => {
    if (isBeat) return;
    journal.push(`asks to ${call}`);
    await gates.get(call);
  };

  const renewOrRefuse = async (): Promise<void> => {
    if (isRenewalRefused) throw new Error('unavailable');
  };
  const ack = async (ackIds: readonly string[]): Promise<void> => {
    await pass('ack');
    journal.push(...ackIds.map((key) => `ack ${key}`));
  };
  const take = (from: ItemQueueName, max: number): Delivery[] =>
    waiting[from].splice(0, max).map((one) => ({ ...one, askedMs: performance.now() }));

  const queue: Queue = {
    items: {
      async pull(max) {
        await pass('pull');
        journal.push(`pull ${max}`);
        return take('items', max);
      },
      renew: renewOrRefuse,
      ack,
      async publish(messages) {
        await pass('publish copies');
        const items = messages.map(({ text }) => decodeItem(text));
        journal.push(...items.map(({ key, deaths }) => `copy ${key} with ${deaths} deaths`));
      },
    },
    suspects: {
      async pull(max) {
        await pass('seek suspects');
        return take('suspects', max);
      },
      renew: renewOrRefuse,
      ack,
      async publish(messages) {
        await pass('publish suspects');
        for (const { text } of messages) {
          const { key, deaths } = decodeItem(text);
          journal.push(`suspect ${key} with ${deaths} deaths`);
          waiting.suspects.push({ ackId: key, askedMs: 0, text, deliveryAttempt: 1 });
        }
      },
    },
    async publishOutcomes(messages) {
      const { attribute, outcomes: kind } = outcomesTopicKinds;
      const texts = messages.filter(({ attributes }) => attributes?.[attribute] === kind);
      await pass('publish outcomes', texts.length === 0);
      for (const outcome of texts.flatMap(({ text }) => decodeOutcomes(text))) {
        outcomes.push(outcome);
        journal.push(`outcome ${outcome.index} ${outcome.kind}`);
      }
    },
  };

  const start = () =>
    runDownloader({
      assignment,
      name: 'd',
      queue,
      meter: noMeter,
      health: { isPulling() {}, isLeaving() {} },
      store: {
        async look({ key }) {
          journal.push(`look ${key}`);
          return found.get(key) ?? null;
        },
        put: () => assert.fail('the task of this stage stores nothing'),
        putSide: () => assert.fail('the task of this stage stores nothing'),
      },
      task: {
        attempt: ({ key }, signal) =>
          new Promise((resolve) => {
            journal.push(`begin ${key}`);
            const end = (ending: AttemptEnding) => {
              atWork.delete(key);
              journal.push(`end ${key} ${ending.kind}`);
              resolve(ending);
            };
            atWork.set(key, end);
            signal.addEventListener('abort', () => end({ kind: 'interrupted' }), { once: true });
          }),
      },
      throttle: createThrottle({ now: () => performance.now(), random: () => 0 }),
      log: createLog({ level: 'fatal', fields: {} }),
      now: () => performance.now(),
      stopping: stopping.signal,
      killing: killing.signal,
      over: over.signal,
    });

  return {
    journal,
    outcomes,
    found,
    atWork,
    stopping,
    killing,
    start,
    /** Ends everything, in whatever state the test has left it. */
    stop: () => {
      for (const controller of [stopping, killing, over]) controller.abort();
    },
    put: (...items: readonly Put[]) => {
      for (const { key, deaths = 0, deliveries = 1, to = 'items' } of items) {
        const text = encodeItem({ index: indices, key, deaths });
        indices += 1;
        waiting[to].push({ ackId: key, askedMs: 0, text, deliveryAttempt: deliveries });
      }
    },
    finish: (key: string, ending: AttemptEnding = stored) => {
      const end = atWork.get(key);
      assert.ok(end, `${key} is at work`);
      end(ending);
    },
    /** Calls of this name wait from now on; gives back what opens the gate. */
    close: (
      call: 'pull' | 'ack' | 'publish outcomes' | 'publish copies' | 'publish suspects',
    ): (() => void) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      gates.set(call, promise);
      return () => {
        gates.delete(call);
        resolve();
      };
    },
    refuseRenewals: () => {
      isRenewalRefused = true;
    },
    /** Resolves when the journal has the line. */
    until: async (line: string): Promise<void> => {
      const endsAtMs = performance.now() + patienceMs;
      while (!journal.includes(line)) {
        if (performance.now() > endsAtMs) assert.fail(`no "${line}" in ${journal.join(', ')}`);
        await sleep(1);
      }
    },
  };
}

/** The promise's value; the test fails when it takes longer than anything here does. */
export async function soon<Value>(what: string, promise: Promise<Value>): Promise<Value> {
  const late = sleep(patienceMs, undefined, { ref: false }).then(() =>
    assert.fail(`${what}: not within ${patienceMs} ms`),
  );
  return Promise.race([promise, late]);
}
