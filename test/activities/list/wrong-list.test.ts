import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createSnapshotList } from '../../../activities/snapshot-list.ts';
import { runFolder } from '../../../domain/names.ts';
import type { RunSpecInput } from '../../../domain/run-spec.ts';
import { itemsPerShard } from '../../../domain/snapshot.ts';
import {
  closeWorld,
  failureOf,
  inActivity,
  listFile,
  listObject,
  listServer,
  objectsIn,
  openWorld,
  runOver,
  snapshotListOf,
} from '../world.ts';
import type { World } from '../world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

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
    ['an empty list', () => listFile(world, ''), [/it holds no item \(0 lines/]],
    ['a list of blank lines', () => listObject(world, '\n \r\n'), [/it holds no item \(2 lines/]],
    [
      'every kind of wrong line, all at once',
      () =>
        listObject(
          world,
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
      const { run, spec } = runOver(world, await items());
      const message = await failureOf(
        'InvalidList',
        inActivity(snapshotListOf(world), { run, spec }),
      );
      for (const pattern of patterns) match(message, pattern);
      deepEqual(await objectsIn(world, runFolder(run.name).root), []);
    });
  }

  it('many wrong lines, naming the first twenty', async () => {
    const { run, spec } = runOver(world, await listFile(world, 'a\0\n'.repeat(5_000)));
    const message = await failureOf(
      'InvalidList',
      inActivity(snapshotListOf(world), { run, spec }),
    );
    match(message, /5000 of 5000 lines/);
    match(message, /^line 20: /m);
    ok(!/^line 21: /m.test(message));
    match(message, /and 4980 more$/);
  });

  it('a wrong line behind shards that were written, and leaves none of them', async () => {
    const lines = Array.from({ length: itemsPerShard * 2 }, (_, at) => `${at}\n`).join('');
    const { run, spec } = runOver(world, await listFile(world, `${lines}\0x\n`));
    const message = await failureOf(
      'InvalidList',
      inActivity(snapshotListOf(world), { run, spec }),
    );
    match(message, /^line 100001: /m);
    deepEqual(await objectsIn(world, runFolder(run.name).root), []);
  });

  it('files where they are not allowed', async () => {
    const { run, spec } = runOver(world, await listFile(world, 'a\n'));
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
    const { run, spec } = runOver(world, server.url);
    equal((await inActivity(snapshotListOf(world), { run, spec })).total, 2);
    server.close();
  });

  it('is asked for again when the server fails', async () => {
    let answers = 0;
    const server = await listServer((response) => {
      answers += 1;
      if (answers === 1) response.writeHead(503).end();
      else response.end('a\n');
    });
    const { run, spec } = runOver(world, server.url);
    equal((await inActivity(snapshotListOf(world), { run, spec })).total, 1);
    equal(answers, 2);
    server.close();
  });

  it('may be retried when it breaks off half-way', async () => {
    const server = await listServer((response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('a\n', () => response.destroy());
    });
    const { run, spec } = runOver(world, server.url);
    await rejects(
      inActivity(snapshotListOf(world), { run, spec }),
      /read list .* — it is tried again/,
    );
    deepEqual(await objectsIn(world, runFolder(run.name).root), []);
    server.close();
  });

  it('is refused when it is a web page, and read when it is only called one', async () => {
    let body = '\n<!doctype html><title>Videos</title>';
    const server = await listServer((response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(body),
    );
    const { run, spec } = runOver(world, server.url);
    match(
      await failureOf('InvalidList', inActivity(snapshotListOf(world), { run, spec })),
      /^read list http:\S+: a web page, not a list — .* write yt-dlp\+http:\/\/127\.0\.0\.1:\d+\/$/,
    );
    body = 'a\nb\n';
    equal((await inActivity(snapshotListOf(world), { run, spec })).total, 2);
    server.close();
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
      const { run, spec } = runOver(world, server.url);
      match(
        await failureOf('InvalidList', inActivity(snapshotListOf(world), { run, spec })),
        pattern,
      );
      server.close();
    });
  }
});
