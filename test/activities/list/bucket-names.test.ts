import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Storage } from '@google-cloud/storage';
import fc from 'fast-check';
import { markListedNames } from '../../../activities/list/bucket-names.ts';
import { nameRange, takeHalf } from '../../../activities/list/name-ranges.ts';
import { inBucket, NameTable } from '../../../activities/list/name-table.ts';
import { foreignText } from '../../support/foreign.ts';
import { fuzz } from '../../support/fuzz.ts';
import { uniqueName } from '../../support/unique-name.ts';
import { closeWorld, listServer, openWorld } from '../world.ts';
import type { World } from '../world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

async function marked(prefix: string, names: readonly string[], pageNames: number) {
  const table = new NameTable();
  const bucket = world.google.storage.bucket(world.stack.bucket);
  const { signal } = new AbortController();
  await markListedNames({ bucket, prefix, table, signal, pageNames });
  return names.filter((name) => table.flagsOf(name) === inBucket);
}

/** A client for another server than everybody's here, which the environment would name. */
function storageAt(url: string): Storage {
  const name = 'STORAGE_EMULATOR_HOST';
  const everybodys = process.env[name];
  delete process.env[name];
  try {
    const apiEndpoint = url.replace(/\/$/, '');
    return new Storage({ projectId: 'p', apiEndpoint, useAuthWithCustomEndpoint: false });
  } finally {
    process.env[name] = everybodys;
  }
}

describe('markListedNames', () => {
  for (const [how, nameOf] of [
    ['spread evenly', (at: number) => `${((at * 7_919) % 1_000).toString(36)}-${at}.mp4`],
    [
      'that begin alike',
      (at: number) => `a-long-beginning-that-all-have-${String(at).padStart(6, '0')}`,
    ],
    ['in two heaps', (at: number) => `${at % 2 === 0 ? '%F0%9F' : 'zzzz'}${at}`],
  ] as const) {
    it(`finds all names right under the prefix, and no other: ${how}`, async () => {
      const prefix = `${uniqueName('many')}/`;
      const bucket = world.google.storage.bucket(world.stack.bucket);
      const names = Array.from({ length: 300 }, (_, at) => `${prefix}${nameOf(at)}`);
      const others = [`${prefix}m/x`, `${prefix.slice(0, -1)}0`, `${prefix}zzzzz/x`];
      await Promise.all([...names, ...others].map((name) => bucket.file(name).save('')));
      for (const pageNames of [7, 100, 1_000]) {
        deepEqual(await marked(prefix, [...names, ...others], pageNames), names, `${pageNames}`);
      }
    });
  }

  it('lists several parts of the names at a time, with hardly more requests', async (t) => {
    const pageNames = 10;
    const names = Array.from(
      { length: 1_000 },
      (_, at) =>
        `v/${String(at * 999_983)
          .slice(-9)
          .padStart(9, '0')}`,
    );
    names.sort();
    let [asked, atOnce, mostAtOnce] = [0, 0, 0];
    const server = await listServer((response, path) => {
      const { searchParams } = new URL(path, 'http://server');
      asked += 1;
      mostAtOnce = Math.max(mostAtOnce, (atOnce += 1));
      const from = searchParams.get('pageToken') ?? searchParams.get('startOffset') ?? '';
      const end = searchParams.get('endOffset') ?? '~';
      const within = names.filter((name) => name >= from && name < end);
      const items = within.slice(0, pageNames).map((name) => ({ name }));
      const next = within[pageNames];
      setTimeout(() => {
        atOnce -= 1;
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify({ items, ...(next === undefined ? {} : { nextPageToken: next }) }),
        );
      }, 5);
    });
    t.after(server.close);
    const storage = storageAt(server.url);
    const table = new NameTable();
    const { signal } = new AbortController();
    await markListedNames({ bucket: storage.bucket('b'), prefix: 'v/', table, signal, pageNames });
    equal(names.filter((name) => table.flagsOf(name) === inBucket).length, names.length);
    ok(mostAtOnce > 8 && mostAtOnce <= 16, `${mostAtOnce} at once`);
    ok(asked < 160, `${asked} requests for 100 pages`);
  });

  it('ends with the first request that is refused', async (t) => {
    const server = await listServer((response) => response.writeHead(403).end());
    t.after(server.close);
    const storage = storageAt(server.url);
    const { signal } = new AbortController();
    const listing = { bucket: storage.bucket('b'), prefix: 'v/', table: new NameTable(), signal };
    await rejects(markListedNames(listing), { code: 403 });
  });
});

describe('takeHalf', () => {
  const prefix = 'v/';
  const text = fc
    .oneof(fc.string({ unit: 'binary-ascii' }), foreignText)
    .map((end) => prefix + end);

  it('gives away what was not listed yet, and leaves the rest', async () => {
    const bounds = fc.array(text, { minLength: 3, maxLength: 3 });
    await fuzz(
      fc.property(bounds, fc.boolean(), fc.nat(1_000), (texts, isLast, pages) => {
        const [from, seen, to] = texts.toSorted((x, y) => (x < y ? -1 : Number(x > y)));
        const range = {
          ...nameRange(from ?? '', isLast ? undefined : to),
          seen: seen ?? '',
          pages,
        };
        const end = range.to;
        const half = takeHalf([range], prefix);
        if (half === null) return equal(range.to, end);
        equal(range.to, half.from);
        equal(half.to, end);
        ok(half.from > range.seen && (end === undefined || half.from < end));
        ok(half.from.startsWith(prefix));
      }),
    );
  });

  it('takes of the longest, at its middle', () => {
    const short = { ...nameRange('v/a', 'v/b'), seen: 'v/aV', pages: 10 };
    const long = { ...nameRange('v/b', 'v/z'), seen: 'v/c', pages: 10 };
    const half = takeHalf([short, long], prefix);
    equal(half?.from.slice(0, 3), 'v/n');
    equal(long.to, half?.from);
    equal(short.to, 'v/b');
  });

  it('takes nothing of what is nearly done, nor of what nobody has listed', () => {
    const done = { ...nameRange('v/a', 'v/z'), seen: 'v/y', pages: 10 };
    equal(takeHalf([done, nameRange('v/z', undefined)], prefix), null);
  });
});
