import { deepEqual, doesNotMatch, equal, match, ok, rejects } from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { createPart } from '../../activities/ledger/ledger-log.ts';
import type { ResultLine } from '../../activities/report/result-line.ts';
import type { RunReport } from '../../activities/report/run-report.ts';
import { createWriteReport } from '../../activities/write-report.ts';
import type { WriteReportInput } from '../../activities/write-report.ts';
import { runFolder } from '../../domain/names.ts';
import type { Outcome } from '../../domain/outcome.ts';
import { itemsPerShard } from '../../domain/snapshot.ts';
import { failed, stored } from './ledger/arbitrary-outcomes.ts';
import { closeWorld, inActivity, newRun, openWorld, specOf } from './world.ts';
import type { World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

/** A run that has ended, with its shards and its ledger in the bucket, and what its report says. */
async function report(given: {
  keys: readonly string[];
  present?: readonly string[];
  parts?: readonly (readonly Outcome[])[];
  ending?: WriteReportInput['ending'];
}) {
  const { keys, present = [], parts = [], ending = { kind: 'completed' } } = given;
  const run = newRun(world.stack.bucket);
  const bucket = world.google.storage.bucket(run.bucket);
  const folder = runFolder(run.name);
  for (const [list, nameOf] of [
    [keys, folder.newShard],
    [present, folder.presentShard],
  ] as const) {
    for (let from = 0; from < list.length; from += itemsPerShard) {
      const text = `${list.slice(from, from + itemsPerShard).join('\n')}\n`;
      await bucket.file(nameOf(from / itemsPerShard)).save(text, { resumable: false });
    }
  }
  const writer = { id: 'test', scheduledAtMs: 1 };
  for (const [part, outcomes] of parts.entries()) {
    await createPart(bucket, { run: run.name, part, writer }, outcomes);
  }
  const input: WriteReportInput = {
    run,
    spec: specOf({ items: ['a'], destination: `gs://${run.bucket}/videos/` }),
    snapshot: {
      total: keys.length + present.length,
      published: keys.length,
      duplicates: 7,
      blankLines: 5,
    },
    ending,
    startedAtMs: 0,
    endedAtMs: 60_000,
  };
  const write = () => inActivity(createWriteReport(world.google), input);
  const read = async (name: string) => {
    const [bytes] = await bucket.file(name).download();
    return bytes.toString('utf8');
  };
  return {
    folder,
    write,
    read,
    results: async () =>
      (await read(folder.results))
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as ResultLine),
    json: async () => JSON.parse(await read(folder.reportJson)) as RunReport,
  };
}

test('lists every item in order, with how it ended, and the unsettled ones too', async () => {
  const { write, read, results, json, folder } = await report({
    keys: ['a', 'b', 'c', 'd', 'e'],
    present: ['old/1'],
    parts: [
      [failed(2, 'HTTP Error 404: gone c'), failed(0)],
      [
        stored(0, { seconds: 3 }),
        { kind: 'quarantined', index: 4, attempts: 0, seconds: 9, atMs: 1, deaths: 5 },
      ],
      [failed(0)],
    ],
    ending: { kind: 'cancelled' },
  });
  const written = await write();
  const counts = { stored: 1, skipped: 1, gone: 0, failed: 1, quarantined: 1, unsettled: 2 };
  deepEqual(written, {
    runFolder: `gs://${world.stack.bucket}/${folder.root}`,
    counts,
    storedBytes: 100,
    unsettled: 2,
  });
  const lines = await results();
  deepEqual(
    lines.map(({ key, index, outcome }) => `${index} ${key} ${outcome}`),
    [
      '0 a stored',
      '1 b unsettled',
      '2 c failed',
      '3 d unsettled',
      '4 e quarantined',
      '5 old/1 skipped',
    ],
  );
  deepEqual(lines[0], {
    key: 'a',
    index: 0,
    outcome: 'stored',
    object: 'videos/0.mp4',
    bytes: 100,
    crc32c: 'AAAAAA==',
    attempts: 1,
    seconds: 3,
    reason: null,
    error: null,
    at: '1970-01-01T00:00:01.000Z',
  });
  equal(lines[5]?.object, 'videos/old%2F1.mp4');
  equal(await read(folder.failed), 'c\ne\n');
  equal(await read(folder.remaining), 'b\nd\n');
  equal(await read(folder.retry), 'b\nd\n');
  equal(await read(folder.retryAll), 'b\nc\nd\ne\n');
  const said = await json();
  deepEqual(said.counts, counts);
  deepEqual(said.list, { total: 6, published: 5, presentBefore: 1, duplicates: 7, blankLines: 5 });
  deepEqual(said.ending, { kind: 'cancelled' });
  equal(said.slowest[0]?.key, 'a');
});

test('merges outcomes of several ranges that arrived in any order, and leaves no files behind', async () => {
  const published = 2 * itemsPerShard + 10;
  const keys = Array.from({ length: published }, (_, index) => `key-${index}`);
  const temporary = () =>
    readdirSync(tmpdir()).filter((name) => name.startsWith('spotloop-report-'));
  const filesBefore = temporary();
  const backwards = keys.map((_, at) => published - 1 - at).filter((index) => index !== 60_000);
  const half = backwards.length / 2;
  const { write, results, read, folder } = await report({
    keys,
    present: ['x', 'y'],
    parts: [
      [failed(itemsPerShard), failed(published - 1)],
      backwards.slice(0, half).map((index) => (index === 1 ? failed(1) : stored(index))),
      backwards.slice(half).map((index) => (index === 1 ? failed(1) : stored(index))),
    ],
  });
  const { counts } = await write();
  deepEqual(counts, {
    stored: published - 2,
    skipped: 2,
    gone: 0,
    failed: 1,
    quarantined: 0,
    unsettled: 1,
  });
  const lines = await results();
  equal(lines.length, published + 2);
  for (const [index, line] of lines.entries()) {
    equal(line.index, index);
    if (index < published) equal(line.key, `key-${index}`);
    if (line.outcome === 'stored') equal(line.object, `videos/${index}.mp4`);
  }
  equal(await read(folder.remaining), 'key-60000\n');
  equal(await read(folder.failed), 'key-1\n');
  deepEqual(temporary(), filesBefore);
});

test('the numbers of report.json add up', async () => {
  const keys = Array.from({ length: 500 }, (_, index) => `key${index}`);
  const { write, json } = await report({
    keys,
    parts: [
      keys.slice(0, 490).map((_, index): Outcome => {
        const rest = { atMs: index * 130 - 2_000, seconds: index / 10 };
        return index % 7 === 0
          ? { ...failed(index, `HTTP Error 404: key${index}`), ...rest, atMs: index }
          : { ...stored(index), ...rest, atMs: Math.max(0, rest.atMs) };
      }),
    ],
  });
  await write();
  const { counts, throughput, secondsPerItem, errors, rates } = await json();
  equal(counts.stored + counts.failed, 490);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  equal(sum(throughput.bins.map((bin) => bin.stored)), counts.stored);
  equal(sum(throughput.bins.map((bin) => bin.failed)), counts.failed);
  equal(sum(secondsPerItem.bins.map((bin) => bin.stored)), counts.stored);
  equal(sum(secondsPerItem.bins.map((bin) => bin.failed)), counts.failed);
  deepEqual(errors.top, [
    {
      message: 'HTTP Error 404: {key}',
      reason: 'permanent',
      count: counts.failed,
      examples: ['key0', 'key7', 'key14'],
    },
  ]);
  equal(rates.itemsPerMinute, 490);
  ok(Math.abs(secondsPerItem.stored.p50 - 24.5) < 24.5 * 0.03, `${secondsPerItem.stored.p50}`);
});

test('a key and an error are text on the page, whatever they hold', async () => {
  const key = `<script>alert("k")</script>`;
  const error = `<img src=x onerror='alert(1)'>&amp;</style></table>`;
  const { write, read, folder } = await report({
    keys: [key, '"><b>slow</b>'],
    parts: [[failed(0, error), stored(1)]],
    ending: { kind: 'failed', type: 'StepFailed', message: '<i>why</i>' },
  });
  await write();
  const page = await read(folder.reportHtml);
  doesNotMatch(page, /<script|<img|<b>|<i>why|javascript:/i);
  equal(page.split('</style>').length, 1 + [...page.matchAll(/<style/g)].length);
  match(page, /&lt;script&gt;alert/);
  match(page, /&lt;img src=x/);
  match(page, /default-src 'none'/);
});

test('needs nothing but itself to be shown', async () => {
  const { write, read, folder } = await report({ keys: ['a'], parts: [[stored(0)]] });
  await write();
  const page = await read(folder.reportHtml);
  const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"|url\(([^)]*)\)/g)].map(
    ([, a, b]) => a ?? b,
  );
  for (const address of addresses) {
    match(address ?? '', /^(results\.jsonl|failed\.txt|remaining\.txt|report\.json)$/);
  }
});

test('a run without outcomes has a report too, and writing again writes the same', async () => {
  const { write, read, folder } = await report({ keys: ['a', 'b'], ending: { kind: 'cancelled' } });
  const first = await write();
  const page = await read(folder.reportHtml);
  deepEqual(await write(), first);
  equal(await read(folder.reportHtml), page);
  equal(await read(folder.remaining), 'a\nb\n');
  equal(await read(folder.failed), '');
});

test('a list that was in the bucket already has a report too', async () => {
  const { write } = await report({ keys: [], present: ['a', 'b', 'c'] });
  deepEqual((await write()).counts, {
    stored: 0,
    skipped: 3,
    gone: 0,
    failed: 0,
    quarantined: 0,
    unsettled: 0,
  });
});

test('refuses a snapshot that was changed', async () => {
  const { write, folder } = await report({ keys: ['a', 'b'], parts: [[stored(0)]] });
  await world.google.storage
    .bucket(world.stack.bucket)
    .file(folder.newShard(0))
    .save('a\n', { resumable: false });
  await rejects(write(), /1 keys instead of 2/);
});
