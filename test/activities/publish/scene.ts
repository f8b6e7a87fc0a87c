import { createCreateQueue } from '../../../activities/create-queue.ts';
import { decodeItem } from '../../../domain/item.ts';
import type { Item } from '../../../domain/item.ts';
import { queueNames, runFolder } from '../../../domain/names.ts';
import type { RunRef } from '../../../domain/names.ts';
import { itemsPerShard } from '../../../domain/snapshot.ts';
import { inActivity, newRun } from '../world.ts';
import type { World } from '../world.ts';

/** A run whose list is to be published, and what comes of it. */

export const keyOf = (index: number) => `key ${index}`;

/** A run with its queue, and shards of so many items. */
export async function publishable(world: World, items: number): Promise<RunRef> {
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
export async function pullItems(world: World, run: RunRef, count: number): Promise<Item[]> {
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

export async function isQueueEmpty(world: World, run: RunRef): Promise<boolean> {
  const [{ receivedMessages }] = await world.google.subscriber.pull({
    subscription: `projects/${world.stack.project}/subscriptions/${queueNames(run.name).items}`,
    maxMessages: 1,
    // The emulator waits for a first message otherwise.
    returnImmediately: true,
  });
  return (receivedMessages ?? []).length === 0;
}

export const sortedIndices = (items: Item[]) =>
  items.map(({ index }) => index).toSorted((a, b) => a - b);
