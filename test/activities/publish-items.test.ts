import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pRetry from 'p-retry';
import { createCreateQueue } from '../../activities/create-queue.ts';
import { createPublishItems } from '../../activities/publish-items.ts';
import type {
  PublishItemsDeps,
  PublishProgress,
  PublishedSlice,
} from '../../activities/publish-items.ts';
import { createPart } from '../../activities/ledger/ledger-log.ts';
import { decodeItem } from '../../domain/item.ts';
import type { Item } from '../../domain/item.ts';
import { queueNames, runFolder } from '../../domain/names.ts';
import type { RunRef } from '../../domain/names.ts';
import { itemsPerShard } from '../../domain/snapshot.ts';
import { stored } from './ledger/arbitrary-outcomes.ts';
import { closeWorld, failureOf, inActivity, newActivity, newRun, openWorld } from './world.ts';
import type { World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

const keyOf = (index: number) => `key ${index}`;

/** A run with its queue, and shards of so many items. */
async function publishable(items: number): Promise<RunRef> {
  const run = newRun(world.stack.bucket);
  await inActivity(createCreateQueue({ ...world.google, installation: 'test' }), {
    run,
    spec: { leaseDeadlineMs: 60_000 },
  });
  const bucket = world.google.storage.bucket(run.bucket);
  for (let shard = 0; shard * itemsPerShard < items; shard += 1) {
    const from = shard * itemsPerShard;
    const length = Math.min(itemsPerShard, items - from);
    const text = Array.from({ length }, (_, at) => `${keyOf(from + at)}\n`).join('');
    await bucket.file(runFolder(run.name).newShard(shard)).save(text, { resumable: false });
  }
  return run;
}

/** Takes so many items out of the queue; waits for as many. */
async function pullItems(run: RunRef, count: number): Promise<Item[]> {
  const subscription = `projects/${world.stack.project}/subscriptions/${queueNames(run.name).items}`;
  const items: Item[] = [];
  while (items.length < count) {
    const [{ receivedMessages }] = await world.google.subscriber.pull({
      subscription,
      maxMessages: 1_000,
    });
    const received = receivedMessages ?? [];
    if (received.length === 0) continue;
    items.push(...received.map(({ message }) => decodeItem(String(message?.data))));
    await world.google.subscriber.acknowledge({
      subscription,
      ackIds: received.map(({ ackId }) => ackId ?? ''),
    });
  }
  return items;
}

async function isQueueEmpty(run: RunRef): Promise<boolean> {
  const [{ receivedMessages }] = await world.google.subscriber.pull({
    subscription: `projects/${world.stack.project}/subscriptions/${queueNames(run.name).items}`,
    maxMessages: 1,
    // The emulator waits for a first message otherwise.
    returnImmediately: true,
  });
  return (receivedMessages ?? []).length === 0;
}

const sortedIndices = (items: Item[]) => items.map(({ index }) => index).toSorted((a, b) => a - b);

/** A publisher that may refuse or hold up requests, in front of the real one. */
function publisherThat(hold: (request: number) => Promise<void>): PublishItemsDeps {
  let requests = 0;
  const publisher = new Proxy(world.google.publisher, {
    get(target, name) {
      if (name !== 'publish') return Reflect.get(target, name) as unknown;
      return async (request: Parameters<typeof target.publish>[0]) => {
        requests += 1;
        await hold(requests - 1);
        return target.publish(request);
      };
    },
  });
  return { ...world.google, publisher };
}

/** From the first item, in a slice that outlasts the test. */
const whole = { from: 0, sliceMs: 600_000 };

describe('publishItems', () => {
  it('publishes each item once with its index, in lanes', async () => {
    const count = itemsPerShard + 500;
    const run = await publishable(count);
    const snapshot = { published: count };
    const publish = createPublishItems(world.google);
    const [first, second] = await Promise.all(
      [0, 1].map((lane) => inActivity(publish, { ...whole, run, snapshot, lane, lanes: 2 })),
    );
    deepEqual(
      [first, second],
      [
        { next: itemsPerShard, isDone: true },
        { next: 500, isDone: true },
      ],
    );
    const items = await pullItems(run, count);
    deepEqual(
      sortedIndices(items),
      Array.from({ length: count }, (_, index) => index),
    );
    ok(items.every(({ index, key, deaths }) => key === keyOf(index) && deaths === 0));
    ok(await isQueueEmpty(run));
  });

  it('goes on where the last heartbeat was', async () => {
    const run = await publishable(5_000);
    const input = { ...whole, run, snapshot: { published: 5_000 }, lane: 0, lanes: 1 };
    const details: PublishProgress = { confirmed: 4_321 };
    const result = await inActivity(createPublishItems(world.google), input, details);
    deepEqual(result, { next: 5_000, isDone: true });
    const items = await pullItems(run, 679);
    deepEqual([sortedIndices(items)[0], items.length], [4_321, 679]);
    ok(await isQueueEmpty(run));
  });

  it('ends its slice when its time is over, and the next one goes on there', async () => {
    const run = await publishable(3_000);
    const input = { run, snapshot: { published: 3_000 }, lane: 0, lanes: 1 };
    const publish = createPublishItems(world.google);
    const first = await inActivity(publish, { ...input, from: 0, sliceMs: 0 });
    deepEqual(first, { next: 1_000, isDone: false });
    const second = await inActivity(publish, { ...input, from: first.next, sliceMs: 600_000 });
    deepEqual(second, { next: 3_000, isDone: true });
    equal((await pullItems(run, 3_000)).length, 3_000);
    ok(await isQueueEmpty(run));
  });

  it('goes on in a later shard of its lane', async () => {
    const count = itemsPerShard * 2 + 10;
    const run = await publishable(count);
    const input = { ...whole, run, snapshot: { published: count }, lane: 0, lanes: 2 };
    const details: PublishProgress = { confirmed: itemsPerShard + 7 };
    equal(
      (await inActivity(createPublishItems(world.google), input, details)).next,
      itemsPerShard + 10,
    );
    const indices = sortedIndices(await pullItems(run, 3));
    deepEqual(
      indices,
      [7, 8, 9].map((offset) => itemsPerShard * 2 + offset),
    );
    ok(await isQueueEmpty(run));
  });

  it('says only what is confirmed without a gap, and a retry publishes the rest', async () => {
    const run = await publishable(10_000);
    const input = { ...whole, run, snapshot: { published: 10_000 }, lane: 0, lanes: 1 };
    // The third request fails while later ones succeed.
    const failing = publisherThat(async (request) => {
      if (request === 2) throw new Error('connection lost');
    });
    const activity = newActivity();
    let last: PublishProgress = { confirmed: 0 };
    activity.on('heartbeat', (details: PublishProgress) => {
      last = details;
    });
    await rejects(
      activity.run(createPublishItems(failing), input),
      /connection lost — it is tried again/,
    );
    equal(last.confirmed, 2_000);
    // The first attempt left a connection in the middle of a shard, on which the server may hang up: Temporal tries again.
    await pRetry(() => inActivity(createPublishItems(world.google), input, last), { retries: 1 });
    const all = Array.from({ length: 10_000 }, (_, index) => index);
    const pulled = new Set<number>();
    while (pulled.size < all.length) {
      for (const { index } of await pullItems(run, 1)) pulled.add(index);
    }
    deepEqual(
      [...pulled].toSorted((a, b) => a - b),
      all,
    );
  });

  it('ends when it is cancelled, though Pub/Sub does not answer', async () => {
    const run = await publishable(20_000);
    const held = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const holding = publisherThat(async () => {
      started.resolve();
      await held.promise;
    });
    const activity = newActivity();
    const input = { ...whole, run, snapshot: { published: 20_000 }, lane: 0, lanes: 1 };
    const publishing = activity.run(createPublishItems(holding), input);
    await started.promise;
    activity.cancel();
    // What is under way counts as not gone out.
    deepEqual(await publishing, { next: 0, isDone: false });
    held.resolve();
  });

  describe('with a pace', () => {
    const itemsPerMinute = 60_000;
    const pacedInput = (run: RunRef, published: number) => ({
      run,
      snapshot: { published },
      lane: 0,
      lanes: 1,
      from: 0,
      sliceMs: 600_000,
      pace: { itemsPerMinute, dueAtMs: Date.now() },
    });

    it('keeps its rate within a few per cent, over slices too', async () => {
      const run = await publishable(6_000);
      const input = pacedInput(run, 6_000);
      const startedAt = performance.now();
      let slice: PublishedSlice = { next: 0, isDone: false };
      let slices = 0;
      for (let { pace } = input; !slice.isDone; slices += 1) {
        const part = { ...input, pace, from: slice.next, sliceMs: 1_000 };
        slice = await inActivity(createPublishItems(world.google), part);
        pace = { itemsPerMinute, dueAtMs: slice.dueAtMs ?? 0 };
      }
      const perMinute = (6_000 / (performance.now() - startedAt)) * 60_000;
      ok(slices >= 5 && slices <= 13, `${slices} slices`);
      // The first half second's worth goes at once.
      ok(perMinute > 57_000 && perMinute < 70_000, `${Math.round(perMinute)} a minute`);
    });

    it('publishes nothing that is not due within its slice', async () => {
      const run = await publishable(3_000);
      const input = pacedInput(run, 3_000);
      const startedAt = performance.now();
      const slice = await inActivity(createPublishItems(world.google), { ...input, sliceMs: 700 });
      deepEqual([slice.next, slice.isDone], [1_000, false]);
      ok(performance.now() - startedAt < 1_500);
      ok((slice.dueAtMs ?? 0) > Date.now(), 'the next is due later');
    });

    it('gives back what it has done when the run is paused, and fails when its worker ends', async () => {
      const run = await publishable(30_000);
      for (const reason of ['CANCELLED', 'WORKER_SHUTDOWN'] as const) {
        const activity = newActivity();
        const hasPublished = new Promise<void>((resolve) => {
          activity.on('heartbeat', ({ confirmed }: PublishProgress) => {
            if (confirmed > 0) resolve();
          });
        });
        const publishing: Promise<PublishedSlice> = activity.run(
          createPublishItems(world.google),
          pacedInput(run, 30_000),
        );
        await hasPublished;
        activity.cancel(reason);
        if (reason === 'CANCELLED') {
          const { next, isDone } = await publishing;
          ok(next > 0 && next < 30_000 && !isDone, `${next}`);
        } else {
          await rejects(publishing, { name: 'CancelledFailure' });
        }
      }
    });

    it('publishes again only what has no outcome, and says how much is left', async () => {
      const run = await publishable(100);
      const bucket = world.google.storage.bucket(run.bucket);
      const writer = { id: 'collector', scheduledAtMs: 1 };
      const settled = Array.from({ length: 90 }, (_, index) =>
        stored(index < 45 ? index : index + 5),
      );
      await createPart(bucket, { run: run.name, part: 0, writer }, settled);
      // A slice that is over after its first item.
      const input = { ...pacedInput(run, 100), again: true };
      const slow = { ...input, pace: { itemsPerMinute: 60, dueAtMs: Date.now() }, sliceMs: 10 };
      const first = await inActivity(createPublishItems(world.google), slow);
      deepEqual([first.next, first.isDone, first.leftAgain], [46, false, 9]);
      const rest = { ...input, from: first.next };
      const last = await inActivity(createPublishItems(world.google), rest);
      deepEqual([last.isDone, last.leftAgain], [true, 0]);
      deepEqual(sortedIndices(await pullItems(run, 10)), [45, 46, 47, 48, 49, 95, 96, 97, 98, 99]);
      ok(await isQueueEmpty(run));
    });
  });

  it('says that the queue is lost when the topic is gone', async () => {
    const run = newRun(world.stack.bucket);
    const shard = world.google.storage.bucket(run.bucket).file(runFolder(run.name).newShard(0));
    await shard.save('a\n');
    const input = { ...whole, run, snapshot: { published: 1 }, lane: 0, lanes: 1 };
    const message = await failureOf(
      'QueueLost',
      inActivity(createPublishItems(world.google), input),
    );
    ok(message.startsWith(`publish 1 items to projects/${world.stack.project}/topics/`), message);
  });

  it('notices a shard that is not what the snapshot counted', async () => {
    const run = await publishable(10);
    const input = { ...whole, run, snapshot: { published: 11 }, lane: 0, lanes: 1 };
    await rejects(inActivity(createPublishItems(world.google), input), /10 keys instead of 11/);
  });
});
