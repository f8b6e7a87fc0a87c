import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createSnapshotList } from '../../activities/snapshot-list.ts';
import type { Manifest } from '../../activities/snapshot-list.ts';
import { runFolder } from '../../domain/names.ts';
import { objectName } from '../../domain/object-name.ts';
import type { RunSpecInput } from '../../domain/run-spec.ts';
import { itemsPerShard } from '../../domain/snapshot.ts';
import { uniqueName } from '../support/unique-name.ts';
import {
  closeWorld,
  failureOf,
  inActivity,
  keysIn,
  newActivity,
  newRun,
  objectsIn,
  openWorld,
  specOf,
} from './world.ts';
import type { World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

const snapshotList = (input: Parameters<ReturnType<typeof createSnapshotList>>[0]) =>
  createSnapshotList({
    storage: world.google.storage,
    isFileListAllowed: true,
    maxComponentBytes: 255,
  })(input);

/** A run over these items, into a prefix of its own. */
function runOver(items: RunSpecInput['items'], more: Partial<RunSpecInput> = {}) {
  const destination = `gs://${world.stack.bucket}/${uniqueName('videos')}/`;
  return {
    run: newRun(world.stack.bucket),
    spec: specOf({ items, destination, task: { kind: 'http' }, ...more }),
  };
}

async function listObject(content: string | Buffer): Promise<string> {
  const name = `lists/${uniqueName('list')}`;
  await world.google.storage.bucket(world.stack.bucket).file(name).save(content);
  return `gs://${world.stack.bucket}/${name}`;
}

async function listFile(content: string | Buffer): Promise<string> {
  const path = join(world.stack.folder, uniqueName('list'));
  await writeFile(path, content);
  return pathToFileURL(path).href;
}

describe('snapshotList', () => {
  it('normalises, drops duplicates, counts them, and keeps the order', async () => {
    const items = await listObject('\uFEFFb\r\n\r\n a \nb\n\n  \n🎬\na\n-rf');
    const { run, spec } = runOver(items);
    const snapshot = await inActivity(snapshotList, { run, spec });
    deepEqual(snapshot, { total: 4, published: 4, duplicates: 2, blankLines: 3 });
    deepEqual(await keysIn(world, run, 'new'), ['b', 'a', '🎬', '-rf']);
  });

  it('takes hostile keys as they are', async () => {
    const keys = ['../../x', 'a/b', '-rf', ';rm -rf ~', '$(x)', '.', '..', 'a%2Fb', '"\'`'];
    const { run, spec } = runOver(await listFile(keys.join('\n')));
    await inActivity(snapshotList, { run, spec });
    deepEqual(await keysIn(world, run, 'new'), keys);
  });

  it('reads an inline list', async () => {
    const { run, spec } = runOver(['a', 'b', 'a', ' ']);
    const snapshot = await inActivity(snapshotList, { run, spec });
    deepEqual(snapshot, { total: 2, published: 2, duplicates: 1, blankLines: 1 });
  });

  it('stops at the limit, counting unique items', async () => {
    const { run, spec } = runOver(await listFile('a\na\nb\nc\n\0wrong\n'), { limit: 2 });
    const snapshot = await inActivity(snapshotList, { run, spec });
    deepEqual(snapshot, { total: 2, published: 2, duplicates: 1, blankLines: 0 });
  });

  for (const { length, how } of [
    { length: 50, how: 'looking them up' },
    { length: 1_500, how: 'listing the destination' },
  ]) {
    it(`puts what is in the bucket apart, ${how}`, async () => {
      const keys = Array.from({ length }, (_, at) => `key ${at}`);
      const { run, spec } = runOver(await listFile(keys.join('\n')));
      const { prefix } = spec.destination;
      const bucket = world.google.storage.bucket(world.stack.bucket);
      const present = [keys[3]!, keys[length - 1]!];
      for (const key of present) await bucket.file(objectName(prefix, key, '')).save('x');
      // Neither another extension nor a name below a further "/" is this item's object.
      await bucket.file(`${objectName(prefix, keys[5]!, '')}.mp4`).save('x');
      await bucket.file(`${prefix}${keys[6]}/x`).save('x');
      const snapshot = await inActivity(snapshotList, { run, spec });
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
    const items = await listFile(Array.from({ length }, (_, at) => `${at}\n`).join(''));
    const { run, spec } = runOver(items);
    await inActivity(snapshotList, { run, spec });
    const folder = runFolder(run.name);
    deepEqual(await objectsIn(world, `${folder.root}snapshot/new/`), [
      folder.newShard(0),
      folder.newShard(1),
    ]);
    const [last] = await world.google.storage
      .bucket(run.bucket)
      .file(folder.newShard(1))
      .download();
    equal(last.toString(), `${itemsPerShard}\n`);
  });

  it('writes a manifest that says what the run was asked', async () => {
    const items = await listObject('a\n');
    const { run, spec } = runOver(items);
    const snapshot = await inActivity(snapshotList, { run, spec });
    const [text] = await world.google.storage
      .bucket(run.bucket)
      .file(runFolder(run.name).manifest)
      .download();
    const manifest = JSON.parse(text.toString()) as Manifest;
    deepEqual([manifest.items, manifest.snapshot], [items, snapshot]);
    equal(manifest.spec.concurrency, spec.concurrency);
  });

  it('gives a finished snapshot back when it is retried, even though the list has changed', async () => {
    const name = `lists/${uniqueName('list')}`;
    const list = world.google.storage.bucket(world.stack.bucket).file(name);
    await list.save('a\nb\n');
    const { run, spec } = runOver(`gs://${world.stack.bucket}/${name}`);
    const first = await inActivity(snapshotList, { run, spec });
    await list.save('c\n');
    deepEqual(await inActivity(snapshotList, { run, spec }), first);
    deepEqual(await keysIn(world, run, 'new'), ['a', 'b']);
  });

  it('writes over the shards of an attempt that died', async () => {
    const { run, spec } = runOver(['a', 'b']);
    const bucket = world.google.storage.bucket(run.bucket);
    await bucket.file(runFolder(run.name).newShard(0)).save('half\nof\nanother');
    await inActivity(snapshotList, { run, spec });
    deepEqual(await keysIn(world, run, 'new'), ['a', 'b']);
  });

  it('heartbeats, and ends when it is cancelled', async () => {
    const server = await listServer((response) => {
      response.write('a\n');
    });
    const { run, spec } = runOver(server.url);
    const activity = newActivity();
    const heartbeat = new Promise((resolve) => activity.once('heartbeat', resolve));
    const snapshot = activity.run(snapshotList, { run, spec });
    deepEqual(await heartbeat, { lines: 0 });
    activity.cancel();
    await rejects(snapshot, { name: 'CancelledFailure' });
    await server.close();
  });

  it('holds a long list in little memory', async () => {
    const length = 200_000;
    const items = await listFile(
      Array.from({ length }, (_, at) => `id-${at}-0123456789\n`).join(''),
    );
    const { run, spec } = runOver(items);
    // Objects of the table are outside the heap that the garbage collector empties when it likes.
    const atFirst = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - atFirst);
    }, 10);
    const snapshot = await inActivity(snapshotList, { run, spec });
    clearInterval(watch);
    equal(snapshot.total, length);
    ok(most < 60e6, `${Math.round(most / 1e6)} MB of buffers at most`);
  });
});

describe('snapshotList refuses', () => {
  const refusals: [string, () => Promise<RunSpecInput['items']>, RegExp[]][] = [
    [
      'a list that does not exist',
      () => Promise.resolve(`gs://${world.stack.bucket}/no/such/list`),
      [/read list gs:.*no\/such\/list: not found \(404\) — check/],
    ],
    [
      'a bucket that does not exist',
      () => Promise.resolve('gs://no-such-bucket-anywhere/list'),
      [/not found \(404\)/],
    ],
    [
      'a file that does not exist',
      () => Promise.resolve('file:///no/such/list'),
      [/read list file:\/\/\/no\/such\/list: no such file — give/],
    ],
    ['a folder', () => Promise.resolve('file:///'), [/a folder/]],
    [
      'a web address without encryption',
      () => Promise.resolve('http://example.com/list'),
      [/http:\/\/ is not read from example\.com — use https/],
    ],
    ['an empty list', () => listFile(''), [/it holds no item \(0 lines/]],
    ['a list of blank lines', () => listObject('\n \r\n'), [/it holds no item \(2 lines/]],
    [
      'every kind of wrong line, all at once',
      () =>
        listObject(
          Buffer.concat([
            Buffer.from('good\n'),
            Buffer.from([0x61, 0xff, 0x0a]),
            Buffer.from(`${'x'.repeat(1_025)}\na\0b\n${'y'.repeat(300)}\n${'é'.repeat(500)}\n`),
          ]),
        ),
      [
        /5 of 6 lines cannot be an item — correct the list/,
        /^line 2: not valid UTF-8$/m,
        /^line 3: longer than 1024 bytes$/m,
        /^line 4: holds the control character U\+0000$/m,
        /^line 5: its file name would have 300 bytes, more than the 255/m,
        /^line 6: its object name would have \d+ bytes, more than the 1024/m,
      ],
    ],
    [
      'wrong inline items',
      () => Promise.resolve(['ok', 'a\nb']),
      [/^item 2: holds the control character U\+000A$/m],
    ],
  ];
  for (const [what, items, patterns] of refusals) {
    it(what, async () => {
      const { run, spec } = runOver(await items());
      const message = await failureOf('InvalidList', inActivity(snapshotList, { run, spec }));
      for (const pattern of patterns) match(message, pattern);
      deepEqual(await objectsIn(world, runFolder(run.name).root), []);
    });
  }

  it('many wrong lines, naming the first twenty', async () => {
    const { run, spec } = runOver(await listFile('a\0\n'.repeat(5_000)));
    const message = await failureOf('InvalidList', inActivity(snapshotList, { run, spec }));
    match(message, /5000 of 5000 lines/);
    match(message, /^line 20: /m);
    ok(!/^line 21: /m.test(message));
    match(message, /and 4980 more$/);
  });

  it('a wrong line behind shards that were written, and leaves none of them', async () => {
    const lines = Array.from({ length: itemsPerShard * 2 }, (_, at) => `${at}\n`).join('');
    const { run, spec } = runOver(await listFile(`${lines}\0x\n`));
    const message = await failureOf('InvalidList', inActivity(snapshotList, { run, spec }));
    match(message, /^line 100001: /m);
    deepEqual(await objectsIn(world, runFolder(run.name).root), []);
  });

  it('files where they are not allowed', async () => {
    const { run, spec } = runOver(await listFile('a\n'));
    const strict = createSnapshotList({ storage: world.google.storage, isFileListAllowed: false });
    const message = await failureOf('InvalidList', inActivity(strict, { run, spec }));
    match(message, /reads no files of its own machine — put the list into a bucket/);
  });
});

describe('a list on the web', () => {
  it('is read, through redirects too', async () => {
    const server = await listServer((response, path) => {
      if (path === '/') response.writeHead(302, { location: '/there' }).end();
      else response.end('a\nb\n');
    });
    const { run, spec } = runOver(server.url);
    equal((await inActivity(snapshotList, { run, spec })).total, 2);
    await server.close();
  });

  it('is asked for again when the server fails', async () => {
    let answers = 0;
    const server = await listServer((response) => {
      answers += 1;
      if (answers === 1) response.writeHead(503).end();
      else response.end('a\n');
    });
    const { run, spec } = runOver(server.url);
    equal((await inActivity(snapshotList, { run, spec })).total, 1);
    equal(answers, 2);
    await server.close();
  });

  it('may be retried when it breaks off half-way', async () => {
    const server = await listServer((response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('a\n', () => response.destroy());
    });
    const { run, spec } = runOver(server.url);
    await rejects(inActivity(snapshotList, { run, spec }), /read list .* — it is tried again/);
    deepEqual(await objectsIn(world, runFolder(run.name).root), []);
    await server.close();
  });

  for (const [what, head, pattern] of [
    ['gone', { status: 404, headers: {} }, /404 Not Found — open the address/],
    [
      'redirected to plain http',
      { status: 302, headers: { location: 'http://example.com/' } },
      /is not read from/,
    ],
    ['redirected for ever', { status: 302, headers: { location: '/' } }, /more than 5 redirects/],
  ] as const) {
    it(`is refused when ${what}`, async () => {
      const server = await listServer((response) =>
        response.writeHead(head.status, head.headers).end(),
      );
      const { run, spec } = runOver(server.url);
      match(await failureOf('InvalidList', inActivity(snapshotList, { run, spec })), pattern);
      await server.close();
    });
  }
});

type Response = Parameters<Parameters<typeof createServer>[1] & {}>[1];

async function listServer(
  answer: (response: Response, path: string) => void,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server: Server = createServer((request, response) => answer(response, request.url ?? ''));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
