import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CancelledFailure } from '@temporalio/activity';
import { createPart } from '../../activities/ledger/ledger-log.ts';
import { settledOf } from '../../domain/counts.ts';
import type { Outcome } from '../../domain/outcome.ts';
import { encodeItem } from '../../domain/item.ts';
import { queueNames } from '../../domain/names.ts';
import { Scene, attemptOf, heartbeatOf, longSliceMs } from './collect/scene.ts';
import { failed, stored } from './ledger/arbitrary-outcomes.ts';
import { closeWorld, failureOf, newActivity, openWorld } from './world.ts';
import type { World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

/** Messages that a collector lost come back when their lease of 20 s ends; what comes earlier was given back. */
const wellBeforeLeaseEndsMs = 12_000;

const upTo = (count: number) => [...Array(count).keys()];
const noneOf = { skipped: 2, failed: 0, quarantined: 0 };

/** Ack ids that a collector sent, and those that it gave back. */
function recordAcks(scene: Scene) {
  const acked: string[] = [];
  const givenBack: string[] = [];
  const { subscriber } = scene.world.google;
  return {
    acked,
    givenBack,
    changes: {
      acknowledge: async (request: { subscription: string; ackIds: string[] }) => {
        acked.push(...request.ackIds);
        return subscriber.acknowledge(request);
      },
      modifyAckDeadline: async (request: { subscription: string; ackIds: string[] }) => {
        givenBack.push(...request.ackIds);
        return subscriber.modifyAckDeadline({ ...request, ackDeadlineSeconds: 0 });
      },
    } as never,
  };
}

test('returns as soon as the last item settles, with every message acked', async () => {
  const scene = await Scene.open(world, 2_500);
  await scene.publish(upTo(2_500).map((index) => stored(index)));
  const acks = recordAcks(scene);
  const startedAtMs = Date.now();
  const sample = await scene.collect(scene.newCollector(acks.changes));
  deepEqual(sample.counts, { ...noneOf, stored: 2_500 });
  equal(sample.storedBytes, 250_000);
  deepEqual(sample.recent, { outcomes: 500, failed: 0 });
  equal(acks.acked.length, 2_500);
  ok(Date.now() - startedAtMs < longSliceMs / 2);
  deepEqual((await scene.ledger()).totals.counts, sample.counts);
});

test('acks a message only when its outcomes are in the bucket', async () => {
  const scene = await Scene.open(world, 600);
  const { subscriber } = world.google;
  const outcomesOf = new Map<string, number>();
  const ackedEarly: number[] = [];
  const collector = scene.newCollector({
    pull: async (request: object, options: object) => {
      const [response] = await subscriber.pull(request, options);
      for (const { ackId, message } of response.receivedMessages ?? []) {
        outcomesOf.set(ackId ?? '', (JSON.parse(String(message?.data)) as Outcome).index);
      }
      return [response];
    },
    acknowledge: async (request: { subscription: string; ackIds: string[] }) => {
      const inLedger = scene.indicesInFiles();
      const indices = request.ackIds.map((ackId) => outcomesOf.get(ackId) ?? -1);
      ackedEarly.push(...indices.filter((index) => !inLedger.has(index)));
      return subscriber.acknowledge(request);
    },
  } as never);
  const collecting = scene.collect(collector);
  for (const from of [0, 200, 400]) {
    await scene.publish(upTo(200).map((index) => stored(from + index)));
  }
  await collecting;
  equal(outcomesOf.size, 600);
  deepEqual(ackedEarly, []);
});

test('counts an item once however often it is told of, and stored beats failed', async () => {
  const scene = await Scene.open(world, 4);
  const collector = scene.newCollector();
  await scene.publish([failed(0), failed(0), stored(1), failed(1), stored(1), failed(2)], 2);
  const first = await scene.collect(collector, { until: 'quiet' });
  deepEqual(first.counts, { ...noneOf, stored: 1, failed: 2 });
  await scene.publish([stored(0), failed(0), stored(3), failed(3)]);
  const second = await scene.collect(collector);
  deepEqual(second.counts, { ...noneOf, stored: 3, failed: 1 });
  equal(second.storedBytes, 300);
  deepEqual((await scene.ledger()).totals.counts, second.counts);
});

test('a collector that dies between ledger and ack does not make the next one count twice', async () => {
  const scene = await Scene.open(world, 301);
  await scene.publish(upTo(300).map((index) => stored(index)));
  const { subscriber } = world.google;
  const unacked: { subscription: string; ackIds: string[] }[] = [];
  const dying = scene.newCollector({
    acknowledge: async (request: never) => unacked.push(request),
  } as never);
  await scene.collect(dying, { until: 'quiet' });
  equal(unacked.flatMap(({ ackIds }) => ackIds).length, 300);
  for (const request of unacked) {
    await subscriber.modifyAckDeadline({ ...request, ackDeadlineSeconds: 0 });
  }
  await scene.publish([stored(300)]);
  const sample = await scene.collect(scene.newCollector(), { until: 'quiet' });
  deepEqual(sample.counts, { ...noneOf, stored: 301 });
  deepEqual((await scene.ledger()).totals.counts, sample.counts);
});

test('a collector that meets a newer one stops, and gives back what it holds', async () => {
  const scene = await Scene.open(world, 200);
  const old = scene.newCollector();
  const oldAttempt = attemptOf(1_000);
  const oldIsReady = heartbeatOf(oldAttempt, () => true);
  const oldEnds = failureOf('CollectorReplaced', scene.collect(old, { environment: oldAttempt }));
  await oldIsReady;
  const bucket = world.google.storage.bucket(scene.run.bucket);
  const newer = { id: 'newer', scheduledAtMs: 2_000 };
  await createPart(bucket, { run: scene.run.name, part: 0, writer: newer }, [stored(0)]);
  await scene.publish(upTo(200).map((index) => stored(index)));
  await oldEnds;
  const startedAtMs = Date.now();
  const sample = await scene.collect(scene.newCollector(), { environment: attemptOf(2_000) });
  deepEqual(sample.counts, { ...noneOf, stored: 200 });
  ok(Date.now() - startedAtMs < wellBeforeLeaseEndsMs);
});

test('a collector that meets a forgotten older one goes on behind it', async () => {
  const scene = await Scene.open(world, 200);
  const attempt = attemptOf(2_000);
  const isReady = heartbeatOf(attempt, () => true);
  const collecting = scene.collect(scene.newCollector(), { environment: attempt });
  await isReady;
  const bucket = world.google.storage.bucket(scene.run.bucket);
  const older = { id: 'older', scheduledAtMs: 1_000 };
  const place = { run: scene.run.name, part: 0, writer: older };
  await createPart(bucket, place, [failed(0), failed(1)]);
  await scene.publish(upTo(200).map((index) => (index === 1 ? failed(1) : stored(index))));
  const sample = await collecting;
  deepEqual(sample.counts, { ...noneOf, stored: 199, failed: 1 });
  deepEqual((await scene.ledger()).totals.counts, sample.counts);
});

test('two collectors at once: totals are exact whoever wins', async () => {
  const scene = await Scene.open(world, 3_000);
  const collecting = [1_000, 2_000].map((at) =>
    scene.collect(scene.newCollector(), { environment: attemptOf(at), until: 'quiet' }),
  );
  for (const from of [0, 1_000, 2_000, 1_000]) {
    await scene.publish(upTo(1_000).map((index) => stored(from + index)));
  }
  const ended = await Promise.allSettled(collecting);
  const last = await scene.collect(scene.newCollector(), { environment: attemptOf(3_000) });
  equal(ended[1]?.status, 'fulfilled');
  deepEqual(last.counts, { ...noneOf, stored: 3_000 });
  equal(last.storedBytes, 300_000);
});

test('cancellation loses nothing: the next collector finds the rest at once', async () => {
  const scene = await Scene.open(world, 20_000);
  await scene.publish(upTo(20_000).map((index) => stored(index)));
  const attempt = newActivity();
  const { subscriber } = world.google;
  const collector = scene.newCollector({
    acknowledge: async (request: never) => {
      attempt.cancel();
      return subscriber.acknowledge(request);
    },
  });
  const collecting = scene.collect(collector, { environment: attempt });
  await rejects(collecting, CancelledFailure);
  const { settled } = await scene.ledger();
  ok(settled < scene.snapshot.total, 'it was cancelled in the middle');
  const startedAtMs = Date.now();
  const sample = await scene.collect(scene.newCollector());
  ok(Date.now() - startedAtMs < wellBeforeLeaseEndsMs);
  deepEqual(sample.counts, { ...noneOf, stored: 20_000 });
});

test('slices follow one another without losing or repeating anything', async () => {
  const scene = await Scene.open(world, 250);
  const collector = scene.newCollector();
  let published = Promise.resolve();
  for (const index of upTo(250)) {
    published = published.then(() => scene.publish([stored(index)]));
  }
  let slices = 0;
  let sample = await scene.collect(collector, { sliceMs: 50 });
  for (; settledOf(sample.counts) < scene.snapshot.total; slices += 1) {
    sample = await scene.collect(collector, { sliceMs: 50 });
  }
  await published;
  ok(slices > 2);
  deepEqual(sample.counts, { ...noneOf, stored: 250 });
  deepEqual((await scene.ledger()).totals.counts, sample.counts);
});

test('a collector sees what another process wrote between its slices', async () => {
  const scene = await Scene.open(world, 20);
  const collector = scene.newCollector();
  await scene.publish([stored(0)]);
  await scene.collect(collector, { sliceMs: 300 });
  const bucket = world.google.storage.bucket(scene.run.bucket);
  const { nextPart } = await scene.ledger();
  const writer = { id: 'other', scheduledAtMs: 1 };
  await createPart(
    bucket,
    { run: scene.run.name, part: nextPart, writer },
    upTo(20).map((index) => stored(index)),
  );
  const sample = await scene.collect(collector);
  equal(settledOf(sample.counts), scene.snapshot.total);
});

test('tells of downloaders by their fresh beats, also in its heartbeat', async () => {
  const scene = await Scene.open(world, 10);
  const attempt = newActivity();
  const heard = heartbeatOf(attempt, (sample) => sample.heard === 2 && sample.counts.stored === 1);
  const collecting = scene.collect(scene.newCollector(), { environment: attempt });
  const atMs = Date.now();
  await scene.publishBeat({ downloader: 'one', holding: [1, 2, 3], throttled: 2 });
  await scene.publishBeat({ downloader: 'two', state: 'idle' });
  await scene.publishBeat({ downloader: 'gone', holding: [4], atMs });
  await scene.publishBeat({ downloader: 'gone', state: 'leaving', atMs: atMs + 1 });
  await scene.publish([stored(1)]);
  const { holding, idle, throttled } = await heard;
  deepEqual({ holding, idle, throttled }, { holding: 2, idle: 1, throttled: 2 });
  attempt.cancel();
  await rejects(collecting, CancelledFailure);
});

test('an item that Pub/Sub gave up is quarantined', async () => {
  const scene = await Scene.open(world, 2);
  await scene.publishDeadItem('not an item');
  await scene.publishDeadItem(encodeItem({ index: 0, key: 'a', deaths: 3 }));
  await scene.publish([stored(1)]);
  const sample = await scene.collect(scene.newCollector());
  deepEqual(sample.counts, { ...noneOf, stored: 1, quarantined: 1 });
});

test('refuses what is no outcome of the run, and keeps the good lines beside it', async () => {
  const scene = await Scene.open(world, 3);
  await scene.publishText('no outcome');
  await scene.publishText('{"downloader":1}', 'beat');
  await scene.publishText(`${JSON.stringify(stored(0))}\n{}\n${JSON.stringify(stored(1))}`);
  await scene.publish([stored(3), stored(1_000_000), failed(2)]);
  const sample = await scene.collect(scene.newCollector());
  deepEqual(sample.counts, { ...noneOf, stored: 2, failed: 1 });
});

test('ends when it is quiet, and at the end of its slice', async () => {
  const scene = await Scene.open(world, 3);
  const startedAtMs = Date.now();
  const collector = scene.newCollector();
  await scene.collect(collector, { sliceMs: 100 });
  const sample = await scene.collect(scene.newCollector(), { until: 'quiet' });
  equal(settledOf(sample.counts), 2);
  ok(Date.now() - startedAtMs < longSliceMs / 2);
});

test('names the subscription that it cannot pull from', async () => {
  const scene = await Scene.open(world, 3);
  const name = queueNames(scene.run.name).outcomes;
  await world.google.subscriber.deleteSubscription({
    subscription: `projects/${world.google.projectId}/subscriptions/${name}`,
  });
  await rejects(scene.collect(scene.newCollector()), new RegExp(`pull from .*${name}: .*\\(5\\)`));
});
