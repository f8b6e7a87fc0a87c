import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { auditRun } from '../../../activities/audit/audit-run.ts';
import type { RunReport } from '../../../activities/report/run-report.ts';
import { encodeGoneKey } from '../../../domain/gone-key.ts';
import { runFolder } from '../../../domain/names.ts';
import { objectName } from '../../../domain/object-name.ts';
import { uniqueName } from '../../support/unique-name.ts';
import { closeWorld, keysIn, listFile, openWorld } from '../world.ts';
import type { World } from '../world.ts';
import { createScene, dayMs, failedFor } from './scene.ts';
import type { BegunRun } from './scene.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

function newScene() {
  return createScene(world, `gs://${world.stack.bucket}/${uniqueName('videos')}/`);
}
type Scene = ReturnType<typeof newScene>;

/** A run that found the first `gone` of these keys gone, so long ago. */
async function foundGone(
  scene: Scene,
  keys: readonly string[],
  { gone = keys.length, agoMs = 0 }: { gone?: number; agoMs?: number } = {},
): Promise<BegunRun> {
  const run = await scene.begin([...keys], { goneFor: '0' });
  const outcomes = keys.slice(0, gone).map((_, at) => failedFor(at, 'HTTP 404', { agoMs }));
  await scene.settle(run, outcomes);
  await scene.end(run, { agoMs });
  return run;
}

const goneKeysOf = async (scene: Scene, run: BegunRun) =>
  (await scene.results(run)).filter(({ outcome }) => outcome === 'gone').map(({ key }) => key);

describe('keys that are gone', { concurrency: 4 }, () => {
  it('are not tried by the next run, and it says since when and why', async () => {
    const scene = newScene();
    const first = await foundGone(scene, ['a', 'b', 'c', 'd'], { gone: 3 });
    const { prefix } = first.spec.destination;
    // Somebody has put it there since: what is present is never gone.
    await scene.bucket.file(objectName(prefix, 'b', '')).save('x');
    const second = await scene.begin(['d', 'c', 'b', 'a', 'e']);
    const { total, published, gone } = second.snapshot;
    deepEqual({ total, published, gone }, { total: 5, published: 2, gone: 2 });
    deepEqual(await keysIn(world, second.run, 'new'), ['d', 'e']);
    deepEqual(await keysIn(world, second.run, 'present'), ['b']);
    const { counts } = await scene.end(second, { ending: { kind: 'cancelled' } });
    deepEqual(counts, { stored: 0, skipped: 1, gone: 2, failed: 0, quarantined: 0, unsettled: 2 });

    const lines = await scene.results(second);
    deepEqual(
      lines.map(({ key, index, outcome }) => `${index} ${key} ${outcome}`),
      ['0 d unsettled', '1 e unsettled', '2 b skipped', '3 a gone', '4 c gone'],
    );
    const { at, ...rest } = lines[3]!;
    deepEqual(rest, {
      key: 'a',
      index: 3,
      outcome: 'gone',
      object: null,
      bytes: null,
      crc32c: null,
      attempts: 0,
      seconds: null,
      reason: 'permanent',
      error: 'HTTP 404',
    });
    const foundMs = Date.parse(at ?? '');
    ok(Math.abs(Date.now() - foundMs) < 60_000, at ?? '');

    const folder = runFolder(second.run.name);
    const read = async (name: string) => String((await scene.bucket.file(name).download())[0]);
    const report = JSON.parse(await read(folder.reportJson)) as RunReport;
    deepEqual(report.list.presentBefore, 1);
    equal(report.gone?.count, 2);
    equal(Date.parse(report.gone.triedAgainFrom), Date.parse(report.gone.since) + 30 * dayMs);
    match(
      await read(folder.reportHtml),
      /2 items gone since \d{4}-\d\d-\d\d \(HTTP 404\): not tried, but again after/,
    );
    equal(await read(folder.failed), '');
    equal(await read(folder.retry), 'd\ne\n');
    equal(await read(folder.retryAll), 'd\ne\na\nc\n');
    const audit = await auditRun({ bucket: scene.bucket, run: second.run.name });
    deepEqual([audit.isSound, audit.counts.gone], [true, 2]);
  });

  it('are those that an origin has for nobody, and no other failures', async () => {
    const scene = newScene();
    const keys = ['404', '410', '451', '401', '403', 'large', 'exhausted', 'dead', 'left'];
    const first = await scene.begin(keys);
    await scene.settle(first, [
      ...['HTTP 404', 'HTTP 410', 'HTTP 451', 'HTTP 401', 'HTTP 403'].map((error, at) =>
        failedFor(at, error),
      ),
      failedFor(5, 'larger than maxItemSize (1KB)'),
      failedFor(6, 'HTTP 404', { reason: 'exhausted' }),
      { kind: 'quarantined', index: 7, attempts: 0, seconds: 1, atMs: 1, deaths: 5 },
    ]);
    await scene.end(first);
    deepEqual(await goneKeysOf(scene, await scene.begin(keys)), ['404', '410', '451']);
  });

  it('are tried again with "0", after goneFor, and at another address', async () => {
    const scene = newScene();
    await foundGone(scene, ['a', 'b'], { agoMs: 10 * dayMs });
    await foundGone(scene, ['b', 'c'], { agoMs: 5 * dayMs });
    const goneWith = async (more: object) =>
      goneKeysOf(scene, await scene.begin(['a', 'b', 'c', 'd'], more));
    deepEqual(await goneWith({}), ['b', 'c', 'a']);
    deepEqual(await goneWith({ goneFor: '7d' }), ['b', 'c']);
    deepEqual(await goneWith({ goneFor: '1d' }), []);
    deepEqual(await goneWith({ goneFor: '0' }), []);
    deepEqual(await goneWith({ task: { kind: 'http', url: 'https://other.org/{key}' } }), []);
    deepEqual(
      await goneWith({ destination: `gs://${world.stack.bucket}/${uniqueName('other')}/` }),
      [],
    );
  });

  it('are told apart whatever they hold, in lists that are longer than what is looked up one by one', async () => {
    const scene = newScene();
    const hostile = ['../../x', 'a/b', '"q"', '🎬', '\\', 'a%2Fb'];
    await foundGone(scene, hostile);
    const keys = Array.from({ length: 1_500 }, (_, at) => `key ${at}`);
    const list = await listFile(world, [...keys, ...hostile].join('\n'));
    const second = await scene.begin(list);
    deepEqual([second.snapshot.published, second.snapshot.gone], [1_500, 6]);
    deepEqual(await goneKeysOf(scene, second), hostile);
    // The list of a limit that ends before them has none.
    const short = await scene.begin(list, { limit: 1_200 });
    deepEqual([short.snapshot.published, short.snapshot.gone], [1_200, undefined]);
  });

  it('of two runs at once are both remembered, and once, however often a run is reported', async () => {
    const scene = newScene();
    const [one, two] = await Promise.all([scene.begin(['a', 'b']), scene.begin(['b', 'c'])]);
    await scene.settle(one, [failedFor(0, 'HTTP 404'), failedFor(1, 'HTTP 404')]);
    await scene.settle(two, [failedFor(0, 'HTTP 410'), failedFor(1, 'HTTP 410')]);
    const endedAtMs = Date.now();
    await Promise.all([scene.end(one), scene.end(two, { endedAtMs })]);
    const remembered = await scene.memory();
    await scene.end(two, { endedAtMs });
    deepEqual(await scene.memory(), remembered);
    const third = await scene.begin(['a', 'b', 'c']);
    deepEqual((await goneKeysOf(scene, third)).toSorted(), ['a', 'b', 'c']);
  });

  it('are none where a run was stopped because too much failed', async () => {
    const scene = newScene();
    const first = await scene.begin(['a']);
    await scene.settle(first, [failedFor(0, 'HTTP 404')]);
    await scene.end(first, {
      ending: { kind: 'failed', type: 'TooManyFailures', message: 'all of them' },
    });
    equal((await scene.begin(['a'])).snapshot.gone, undefined);
    await scene.end(first, { ending: { kind: 'cancelled' } });
    equal((await scene.begin(['a'])).snapshot.gone, 1);
  });

  it('are forgotten when no run can ask about them any more, and found no later than their run ended', async () => {
    const scene = newScene();
    const old = await foundGone(scene, ['a'], { agoMs: 400 * dayMs });
    const isThere = async ({ run }: BegunRun) =>
      (await scene.memory()).some((name) => name.includes(run.name));
    equal(await isThere(old), true);
    const ahead = await scene.begin(['b']);
    await scene.settle(ahead, [failedFor(0, 'HTTP 404', { agoMs: -400 * dayMs })]);
    await scene.end(ahead, { agoMs: 3 * dayMs });
    deepEqual([await isThere(old), await isThere(ahead)], [false, true]);
    equal((await scene.begin(['b'], { goneFor: '4d' })).snapshot.gone, 1);
    equal((await scene.begin(['b'], { goneFor: '2d' })).snapshot.gone, undefined);
  });

  it('are an error that names the object where it was changed', async () => {
    const scene = newScene();
    const { run } = await foundGone(scene, ['a']);
    const [name = ''] = (await scene.memory()).filter((one) => one.includes(run.name));
    await scene.bucket.file(name).save('{"key":"a"}\n');
    await rejects(
      scene.begin(['a']),
      new RegExp(`read gs://\\S+${run.name}\\.jsonl: decode gone key: .*it was changed`),
    );
  });
});

describe('a memory of many gone keys', () => {
  it('is read with little memory', { timeout: 120_000 }, async () => {
    const scene = newScene();
    const first = await foundGone(scene, ['a']);
    const [name = ''] = (await scene.memory()).filter((one) => one.includes(first.run.name));
    const length = 200_000;
    const gone = { atMs: Date.now(), error: 'HTTP 404' };
    const keys = Array.from({ length }, (_, at) => `id-${at}-0123456789`);
    await scene.bucket
      .file(name)
      .save(keys.map((key) => `${encodeGoneKey({ key, ...gone })}\n`).join(''), {
        resumable: false,
      });
    const list = await listFile(world, keys.toReversed().join('\n'));
    const mostOf = async (begin: () => Promise<BegunRun>) => {
      const atFirst = process.memoryUsage().arrayBuffers;
      let most = 0;
      const watch = setInterval(() => {
        most = Math.max(most, process.memoryUsage().arrayBuffers - atFirst);
      }, 10);
      const { snapshot } = await begin().finally(() => clearInterval(watch));
      return { most, snapshot };
    };
    const all = await mostOf(() => scene.begin(list));
    deepEqual([all.snapshot.published, all.snapshot.gone], [0, length]);
    ok(all.most < 60e6, `${Math.round(all.most / 1e6)} MB of buffers at most`);
    const few = await mostOf(() => scene.begin(['id-7-0123456789', 'new']));
    deepEqual([few.snapshot.published, few.snapshot.gone], [1, 1]);
    ok(few.most < 20e6, `${Math.round(few.most / 1e6)} MB of buffers at most`);
  });
});
