import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { decodeManifest } from '../../activities/list/manifest.ts';
import { runFolder } from '../../domain/names.ts';
import { objectName } from '../../domain/object-name.ts';
import { itemsPerShard } from '../../domain/snapshot.ts';
import { uniqueName } from '../support/unique-name.ts';
import {
  closeWorld,
  inActivity,
  keysIn,
  listFile,
  listObject,
  listServer,
  newActivity,
  objectsIn,
  openWorld,
  runOver,
  snapshotListOf,
} from './world.ts';
import type { World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

describe('snapshotList', () => {
  it('normalises, drops duplicates, counts them, and keeps the order', async () => {
    const items = await listObject(world, '\uFEFFb\r\n\r\n a \nb\n\n  \n🎬\na\n-rf');
    const { run, spec } = runOver(world, items);
    const snapshot = await inActivity(snapshotListOf(world), { run, spec });
    const { attempt } = snapshot;
    deepEqual(snapshot, { total: 4, published: 4, duplicates: 2, blankLines: 3, attempt });
    deepEqual(await keysIn(world, run, 'new'), ['b', 'a', '🎬', '-rf']);
  });

  it('takes hostile keys as they are', async () => {
    const keys = ['../../x', 'a/b', '-rf', ';rm -rf ~', '$(x)', '.', '..', 'a%2Fb', '"\'`'];
    const { run, spec } = runOver(world, await listFile(world, keys.join('\n')));
    await inActivity(snapshotListOf(world), { run, spec });
    deepEqual(await keysIn(world, run, 'new'), keys);
  });

  it('reads an inline list', async () => {
    const { run, spec } = runOver(world, ['a', 'b', 'a', ' ']);
    const snapshot = await inActivity(snapshotListOf(world), { run, spec });
    const { attempt } = snapshot;
    deepEqual(snapshot, { total: 2, published: 2, duplicates: 1, blankLines: 1, attempt });
  });

  it('stops at the limit, counting unique items', async () => {
    const { run, spec } = runOver(world, await listFile(world, 'a\na\nb\nc\n\0wrong\n'), {
      limit: 2,
    });
    const snapshot = await inActivity(snapshotListOf(world), { run, spec });
    const { attempt } = snapshot;
    deepEqual(snapshot, { total: 2, published: 2, duplicates: 1, blankLines: 0, attempt });
  });

  for (const { length, how } of [
    { length: 50, how: 'looking them up' },
    { length: 1_500, how: 'listing the destination' },
  ]) {
    it(`puts what is in the bucket apart, ${how}`, async () => {
      const keys = Array.from({ length }, (_, at) => `key ${at}`);
      const { run, spec } = runOver(world, await listFile(world, keys.join('\n')));
      const { prefix } = spec.destination;
      const bucket = world.google.storage.bucket(world.stack.bucket);
      const present = [keys[3]!, keys[length - 1]!];
      for (const key of present) await bucket.file(objectName(prefix, key, '')).save('x');
      // Neither another extension nor a name below a further "/" is this item's object.
      await bucket.file(`${objectName(prefix, keys[5]!, '')}.mp4`).save('x');
      await bucket.file(`${prefix}${keys[6]}/x`).save('x');
      const snapshot = await inActivity(snapshotListOf(world), { run, spec });
      deepEqual([snapshot.total, snapshot.published], [length, length - 2]);
      deepEqual(await keysIn(world, run, 'present'), present);
      deepEqual(
        await keysIn(world, run, 'new'),
        keys.filter((key) => !present.includes(key)),
      );
    });
  }

  it('fills shards one after the other', async () => {
    const length = itemsPerShard + 1;
    const items = await listFile(world, Array.from({ length }, (_, at) => `${at}\n`).join(''));
    const { run, spec } = runOver(world, items);
    const { attempt } = await inActivity(snapshotListOf(world), { run, spec });
    const folder = runFolder(run.name);
    deepEqual(await objectsIn(world, folder.snapshot), [
      folder.newShard(0, attempt),
      folder.newShard(1, attempt),
      folder.manifest,
    ]);
    const [last] = await world.google.storage
      .bucket(run.bucket)
      .file(folder.newShard(1, attempt))
      .download();
    equal(last.toString(), `${itemsPerShard}\n`);
  });

  it('writes a manifest that says what the run was asked', async () => {
    const items = await listObject(world, 'a\n');
    const { run, spec } = runOver(world, items);
    const snapshot = await inActivity(snapshotListOf(world), { run, spec });
    const [text] = await world.google.storage
      .bucket(run.bucket)
      .file(runFolder(run.name).manifest)
      .download();
    const manifest = decodeManifest(text.toString());
    deepEqual([manifest.items, manifest.snapshot], [items, snapshot]);
    equal(manifest.spec.concurrency, spec.concurrency);
  });

  it('gives a finished snapshot back when it is retried, even though the list has changed', async () => {
    const name = `lists/${uniqueName('list')}`;
    const list = world.google.storage.bucket(world.stack.bucket).file(name);
    await list.save('a\nb\n');
    const { run, spec } = runOver(world, `gs://${world.stack.bucket}/${name}`);
    const first = await inActivity(snapshotListOf(world), { run, spec });
    await list.save('c\n');
    deepEqual(await inActivity(snapshotListOf(world), { run, spec }), first);
    deepEqual(await keysIn(world, run, 'new'), ['a', 'b']);
  });

  it('refuses a manifest that was changed, and names it', async () => {
    const { run, spec } = runOver(world, ['a']);
    const { manifest } = runFolder(run.name);
    await world.google.storage.bucket(run.bucket).file(manifest).save('{"snapshot":{"total":1}}');
    await rejects(
      inActivity(snapshotListOf(world), { run, spec }),
      /read gs:\/\/\S+manifest\.json: decode manifest: /,
    );
  });

  it('leaves nothing of an attempt that died', async () => {
    const { run, spec } = runOver(world, ['a', 'b']);
    const bucket = world.google.storage.bucket(run.bucket);
    const folder = runFolder(run.name);
    await bucket.file(folder.newShard(0, 'died')).save('half\nof\nanother');
    const { attempt } = await inActivity(snapshotListOf(world), { run, spec });
    deepEqual(await keysIn(world, run, 'new'), ['a', 'b']);
    deepEqual(await objectsIn(world, folder.snapshot), [
      folder.newShard(0, attempt),
      folder.manifest,
    ]);
  });

  it('is not written over by an attempt that was given up and works on, whatever its list has become', async () => {
    // The first who asks is kept waiting in the middle of the list.
    const begun = Promise.withResolvers<ServerResponse>();
    let asked = 0;
    const server = await listServer((response) => {
      asked += 1;
      if (asked > 1) return void response.end('new 1\nnew 2\n');
      response.write('old 1\nold 2\n');
      begun.resolve(response);
    });
    const { run, spec } = runOver(world, server.url);
    const givenUp = inActivity(snapshotListOf(world), { run, spec });
    const response = await begun.promise;
    const snapshot = await inActivity(snapshotListOf(world), { run, spec });
    response.end('old 3\n');
    deepEqual(await givenUp, snapshot);
    deepEqual(await keysIn(world, run, 'new'), ['new 1', 'new 2']);
    const folder = runFolder(run.name);
    deepEqual(await objectsIn(world, folder.snapshot), [
      folder.newShard(0, snapshot.attempt),
      folder.manifest,
    ]);
    server.close();
  });

  it('heartbeats, and ends when it is cancelled', async () => {
    const server = await listServer((response) => {
      response.write('a\n');
    });
    const { run, spec } = runOver(world, server.url);
    const activity = newActivity();
    const heartbeat = new Promise((resolve) => activity.once('heartbeat', resolve));
    const snapshot = activity.run(snapshotListOf(world), { run, spec });
    deepEqual(await heartbeat, { lines: 0 });
    activity.cancel();
    await rejects(snapshot, { name: 'CancelledFailure' });
    deepEqual(await objectsIn(world, runFolder(run.name).root), []);
    server.close();
  });

  it('holds a long list in little memory', async () => {
    const length = 200_000;
    const items = await listFile(
      world,
      Array.from({ length }, (_, at) => `id-${at}-0123456789\n`).join(''),
    );
    const { run, spec } = runOver(world, items);
    // Objects of the table are outside the heap that the garbage collector empties when it likes.
    const atFirst = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - atFirst);
    }, 10);
    const snapshot = await inActivity(snapshotListOf(world), { run, spec });
    clearInterval(watch);
    equal(snapshot.total, length);
    ok(most < 60e6, `${Math.round(most / 1e6)} MB of buffers at most`);
  });
});
