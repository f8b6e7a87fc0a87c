import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Assignment } from '../../../domain/assignment.ts';
import { encodeKey } from '../../../domain/object-name.ts';
import { startStorageProxy } from '../../faults/storage-proxy.ts';
import { createVideoWorld } from './video-world.ts';
import type { VideoWorld, YtDlpTask } from './video-world.ts';
import { eventually, everythingIn } from './world.ts';
import type { Run } from './world.ts';

/** What the task `yt-dlp` stores beside an item's object, with the real yt-dlp and the sample site. */
let world: VideoWorld;
before(async () => {
  world = await createVideoWorld();
});
after(() => world.stop());

function sideRun(task: Partial<YtDlpTask> = {}, overrides: Partial<Assignment> = {}): Promise<Run> {
  return world.videos({ sideFiles: ['info', 'subtitles', 'thumbnail'], ...task }, overrides);
}

/** The destination's objects by name, without its prefix. */
async function objectsOf({ assignment: { bucket, prefix } }: Run) {
  const [files] = await world.clients.storage.bucket(bucket).getFiles({ prefix });
  return Object.fromEntries(files.map((file) => [file.name.slice(prefix.length), file]));
}

async function textOf(run: Run, name: string): Promise<string> {
  const { bucket, prefix } = run.assignment;
  const [bytes] = await world.clients.storage.bucket(bucket).file(`${prefix}${name}`).download();
  return bytes.toString('utf8');
}

describe('side files', { concurrency: 2 }, () => {
  it("lie beside the item's object under its name, which lists them, and so does the outcome", async () => {
    const keys = ['dQw4w9WgXcQ', '../../x', 'a.info'];
    const run = await sideRun({ subtitleLanguages: ['en', 'de'] });
    await run.publish(keys.map((key) => ({ key })));
    const downloader = run.start({ SPOTLOOP_YTDLP: world.ytDlp });
    const outcomes = (await run.outcomes(keys.length)).toSorted((a, b) => a.index - b.index);
    const objects = await objectsOf(run);
    const suffixes = ['de.vtt', 'en.vtt', 'info.json', 'mp4', 'png'];
    assert.deepEqual(
      Object.keys(objects).toSorted(),
      keys.flatMap((key) => suffixes.map((suffix) => `${encodeKey(key)}.${suffix}`)).toSorted(),
    );
    for (const [index, key] of keys.entries()) {
      const outcome = outcomes[index];
      assert.ok(outcome?.kind === 'stored', JSON.stringify(outcome));
      const sizes = suffixes
        .filter((suffix) => suffix !== 'mp4')
        .map((suffix) => [suffix, Number(objects[`${encodeKey(key)}.${suffix}`]?.metadata.size)]);
      assert.deepEqual(outcome.sideFiles, Object.fromEntries(sizes));
      assert.deepEqual(objects[`${encodeKey(key)}.mp4`]?.metadata.metadata, {
        'spotloop-run': run.assignment.run,
        'spotloop-index': String(index),
        'spotloop-side-files': JSON.stringify(outcome.sideFiles),
      });
      assert.deepEqual(objects[`${encodeKey(key)}.de.vtt`]?.metadata.metadata, {
        'spotloop-run': run.assignment.run,
        'spotloop-index': String(index),
        'spotloop-side': 'de.vtt',
      });
      assert.match(await textOf(run, `${encodeKey(key)}.de.vtt`), /Nichts geschieht/);
      const info = JSON.parse(await textOf(run, `${encodeKey(key)}.info.json`)) as object;
      assert.equal((info as { title?: string }).title, `Sample video ${key} (1)`);
    }
    downloader.child.kill('SIGTERM');
    await downloader.ended;
    assert.deepEqual(await everythingIn(run.staging), []);
  });

  it('that are missing hold up no item', async () => {
    const run = await sideRun();
    const keys = ['bare0000000', 'sideless000', 'oddposter00'];
    await world.misbehave({ id: 'bare0000000', kind: 'bare' });
    await world.misbehave({ id: 'sideless000', kind: 'sideless' });
    await world.misbehave({ id: 'oddposter00', kind: 'odd-poster' });
    await run.publish(keys.map((key) => ({ key })));
    const downloader = run.start({ SPOTLOOP_YTDLP: world.ytDlp });
    const outcomes = (await run.outcomes(keys.length)).toSorted((a, b) => a.index - b.index);
    assert.deepEqual(
      outcomes.map((one) =>
        one.kind === 'stored' ? [one.attempts, Object.keys(one.sideFiles ?? {})] : one,
      ),
      [
        [1, ['info.json']],
        [1, ['info.json']],
        [1, ['en.vtt', 'info.json']],
      ],
    );
    const left = downloader
      .stdout()
      .split('\n')
      .filter((line) => line.includes('something was left out'));
    assert.match(left.join('\n'), /"index":1,"attempt":1,.*subtitles for 'en': HTTP Error 404/);
    assert.match(left.join('\n'), /"index":2,"attempt":1,.*extension \('php'\).*without/);
  });

  it('without languages are English ones, and the site may have none of a language', async () => {
    const run = await sideRun({ sideFiles: ['subtitles'] });
    const french = await sideRun({ sideFiles: ['subtitles'], subtitleLanguages: ['fr.*'] });
    for (const one of [run, french]) {
      await one.publish([{ key: 'abc' }]);
      one.start({ SPOTLOOP_YTDLP: world.ytDlp });
    }
    await Promise.all([run.outcomes(1), french.outcomes(1)]);
    assert.deepEqual(Object.keys(await objectsOf(run)), ['abc.en.vtt', 'abc.mp4']);
    assert.deepEqual(Object.keys(await objectsOf(french)), ['abc.mp4']);
  });

  it('of a downloader that died before the object was there are taken over', async () => {
    const run = await sideRun();
    const proxy = await startStorageProxy(world.stack.env['STORAGE_EMULATOR_HOST'] ?? '');
    try {
      const held = proxy.inject(
        { method: 'POST', url: /dies%2Emp4|dies\.mp4/, times: 1 },
        { kind: 'hang' },
      );
      await run.publish([{ key: 'dies' }]);
      const first = run.start({
        SPOTLOOP_YTDLP: world.ytDlp,
        STORAGE_EMULATOR_HOST: proxy.endpoint,
      });
      await eventually('the upload of the object', () => held.hits() === 1);
      first.child.kill('SIGKILL');
      await first.ended;
      const left = await objectsOf(run);
      assert.deepEqual(Object.keys(left), ['dies.en.vtt', 'dies.info.json', 'dies.png']);

      run.start({ SPOTLOOP_YTDLP: world.ytDlp });
      const [outcome] = await run.outcomes(1);
      assert.ok(outcome?.kind === 'stored', JSON.stringify(outcome));
      const now = await objectsOf(run);
      assert.deepEqual(Object.keys(now), [...Object.keys(left), 'dies.mp4'].toSorted());
      for (const [name, file] of Object.entries(left)) {
        assert.equal(now[name]?.metadata.generation, file.metadata.generation, name);
        assert.equal(outcome.sideFiles?.[name.slice(5)], Number(file.metadata.size));
      }
    } finally {
      await proxy.stop();
    }
  });

  it('of an item whose object is there are not stored again', async () => {
    const run = await sideRun();
    const { bucket, prefix } = run.assignment;
    await world.clients.storage
      .bucket(bucket)
      .file(`${prefix}there.mp4`)
      .save('of another', { resumable: false });
    await run.publish([{ key: 'there' }]);
    run.start({ SPOTLOOP_YTDLP: world.ytDlp });
    const [outcome] = await run.outcomes(1);
    assert.equal(outcome?.kind, 'skipped');
    assert.deepEqual(Object.keys(await objectsOf(run)), ['there.mp4']);
  });

  it('that are there already, whoever put them there, stay as they are', async () => {
    const run = await sideRun();
    const { bucket, prefix } = run.assignment;
    await world.clients.storage
      .bucket(bucket)
      .file(`${prefix}mine.info.json`)
      .save('{"mine":true}', { resumable: false });
    await run.publish([{ key: 'mine' }]);
    run.start({ SPOTLOOP_YTDLP: world.ytDlp });
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'stored');
    assert.equal(outcome.sideFiles?.['info.json'], 13);
    assert.equal(await textOf(run, 'mine.info.json'), '{"mine":true}');
  });

  it('count towards maxItemSize', async () => {
    const clip = await fetch(`${world.site.address}/clips/sized.mp4`);
    const clipBytes = (await clip.arrayBuffer()).byteLength;
    const run = await sideRun({}, { maxItemSizeBytes: clipBytes + 100 });
    await run.publish([{ key: 'sized' }]);
    run.start({ SPOTLOOP_YTDLP: world.ytDlp });
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'failed' && outcome.reason === 'permanent');
    assert.match(outcome.error, /larger than maxItemSize/);
    assert.deepEqual(await objectsOf(run), {});
  });
});
