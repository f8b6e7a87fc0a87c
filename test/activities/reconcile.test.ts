import { deepEqual, equal } from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createCreateQueue } from '../../activities/create-queue.ts';
import { createPart } from '../../activities/ledger/ledger-log.ts';
import { createReconcile } from '../../activities/reconcile.ts';
import { decodeItem } from '../../domain/item.ts';
import type { Item } from '../../domain/item.ts';
import { queueNames, runFolder } from '../../domain/names.ts';
import { itemsPerShard } from '../../domain/snapshot.ts';
import { failed, stored } from './ledger/arbitrary-outcomes.ts';
import { closeWorld, inActivity, newRun, openWorld } from './world.ts';
import type { World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

test('publishes again what has no outcome, from every shard, and nothing else', async () => {
  const run = newRun(world.stack.bucket);
  const { storage, subscriber, projectId } = world.google;
  const bucket = storage.bucket(run.bucket);
  const published = itemsPerShard + 3;
  const keys = Array.from({ length: published }, (_, index) => `key ${index}`);
  const { newShard } = runFolder(run.name);
  for (const shard of [0, 1]) {
    const part = keys.slice(shard * itemsPerShard, (shard + 1) * itemsPerShard);
    await bucket.file(newShard(shard)).save(`${part.join('\n')}\n`, { resumable: false });
  }
  const lost = new Set([
    7,
    8,
    ...Array.from({ length: 1_500 }, (_, at) => 100 + at),
    published - 1,
  ]);
  const outcomes = keys.flatMap((_, index) => {
    if (lost.has(index)) return [];
    return [index % 2 === 0 ? stored(index) : failed(index)];
  });
  const writer = { id: 'test', scheduledAtMs: 1 };
  await createPart(bucket, { run: run.name, part: 0, writer }, outcomes);
  await inActivity(createCreateQueue({ ...world.google, installation: 'test' }), {
    run,
    spec: { leaseDeadlineMs: 60_000 },
  });

  const snapshot = { total: published + 1, published, duplicates: 0, blankLines: 0 };
  const { republished } = await inActivity(createReconcile(world.google), { run, snapshot });
  equal(republished, lost.size);

  const subscription = `projects/${projectId}/subscriptions/${queueNames(run.name).items}`;
  const items: Item[] = [];
  while (items.length < lost.size) {
    const [{ receivedMessages }] = await subscriber.pull({ subscription, maxMessages: 1_000 });
    for (const { message } of receivedMessages ?? []) items.push(decodeItem(String(message?.data)));
  }
  deepEqual(
    items.toSorted((a, b) => a.index - b.index),
    [...lost]
      .toSorted((a, b) => a - b)
      .map((index) => ({ index, key: `key ${index}`, deaths: 0, wasInHand: true })),
  );
});
