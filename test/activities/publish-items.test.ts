import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pRetry from 'p-retry';
import { createPublishItems } from '../../activities/publish-items.ts';
import type { PublishItemsDeps, PublishProgress } from '../../activities/publish-items.ts';
import { runFolder } from '../../domain/names.ts';
import { itemsPerShard } from '../../domain/snapshot.ts';
import { isQueueEmpty, keyOf, publishable, pullItems, sortedIndices } from './publish/scene.ts';
import { closeWorld, failureOf, inActivity, newActivity, newRun, openWorld } from './world.ts';
import type { World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

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
    const run = await publishable(world, count);
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
    const items = await pullItems(world, run, count);
    deepEqual(
      sortedIndices(items),
      Array.from({ length: count }, (_, index) => index),
    );
    ok(items.every(({ index, key, deaths }) => key === keyOf(index) && deaths === 0));
    ok(await isQueueEmpty(world, run));
  });

  it('goes on where the last heartbeat was', async () => {
    const run = await publishable(world, 5_000);
    const input = { ...whole, run, snapshot: { published: 5_000 }, lane: 0, lanes: 1 };
    const details: PublishProgress = { confirmed: 4_321 };
    const result = await inActivity(createPublishItems(world.google), input, details);
    deepEqual(result, { next: 5_000, isDone: true });
    const items = await pullItems(world, run, 679);
    deepEqual([sortedIndices(items)[0], items.length], [4_321, 679]);
    ok(await isQueueEmpty(world, run));
  });

  it('ends its slice when its time is over, and the next one goes on there', async () => {
    const run = await publishable(world, 3_000);
    const input = { run, snapshot: { published: 3_000 }, lane: 0, lanes: 1 };
    const publish = createPublishItems(world.google);
    const first = await inActivity(publish, { ...input, from: 0, sliceMs: 0 });
    deepEqual(first, { next: 1_000, isDone: false });
    const second = await inActivity(publish, { ...input, from: first.next, sliceMs: 600_000 });
    deepEqual(second, { next: 3_000, isDone: true });
    equal((await pullItems(world, run, 3_000)).length, 3_000);
    ok(await isQueueEmpty(world, run));
  });

  it('goes on in a later shard of its lane', async () => {
    const count = itemsPerShard * 2 + 10;
    const run = await publishable(world, count);
    const input = { ...whole, run, snapshot: { published: count }, lane: 0, lanes: 2 };
    const details: PublishProgress = { confirmed: itemsPerShard + 7 };
    equal(
      (await inActivity(createPublishItems(world.google), input, details)).next,
      itemsPerShard + 10,
    );
    const indices = sortedIndices(await pullItems(world, run, 3));
    deepEqual(
      indices,
      [7, 8, 9].map((offset) => itemsPerShard * 2 + offset),
    );
    ok(await isQueueEmpty(world, run));
  });

  it('says only what is confirmed without a gap, and a retry publishes the rest', async () => {
    const run = await publishable(world, 10_000);
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
      for (const { index } of await pullItems(world, run, 1)) pulled.add(index);
    }
    deepEqual(
      [...pulled].toSorted((a, b) => a - b),
      all,
    );
  });

  it('ends when it is cancelled, though Pub/Sub does not answer', async () => {
    const run = await publishable(world, 20_000);
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
    const run = await publishable(world, 10);
    const input = { ...whole, run, snapshot: { published: 11 }, lane: 0, lanes: 1 };
    await rejects(inActivity(createPublishItems(world.google), input), /10 keys instead of 11/);
  });
});
