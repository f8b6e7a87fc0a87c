import { deepEqual, ok, rejects } from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createPart } from '../../../activities/ledger/ledger-log.ts';
import { createPublishItems } from '../../../activities/publish-items.ts';
import type { PublishProgress, PublishedSlice } from '../../../activities/publish-items.ts';
import type { RunRef } from '../../../domain/names.ts';
import { stored } from '../ledger/arbitrary-outcomes.ts';
import { closeWorld, inActivity, newActivity, openWorld } from '../world.ts';
import type { World } from '../world.ts';
import { isQueueEmpty, publishable, pullItems, sortedIndices } from './scene.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

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

describe('publishItems with a pace', () => {
  it('keeps its rate within a few per cent, over slices too', async () => {
    const run = await publishable(world, 6_000);
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
    const run = await publishable(world, 3_000);
    const input = pacedInput(run, 3_000);
    const startedAt = performance.now();
    const slice = await inActivity(createPublishItems(world.google), { ...input, sliceMs: 700 });
    deepEqual([slice.next, slice.isDone], [1_000, false]);
    ok(performance.now() - startedAt < 1_500);
    ok((slice.dueAtMs ?? 0) > Date.now(), 'the next is due later');
  });

  it('gives back what it has done when the run is paused, and fails when its worker ends', async () => {
    const run = await publishable(world, 30_000);
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
    const run = await publishable(world, 100);
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
    deepEqual(
      sortedIndices(await pullItems(world, run, 10)),
      [45, 46, 47, 48, 49, 95, 96, 97, 98, 99],
    );
    ok(await isQueueEmpty(world, run));
  });
});
