import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { objectName } from '../../../domain/object-name.ts';
import { createVideoWorld } from './video-world.ts';
import type { VideoWorld } from './video-world.ts';
import { everythingIn } from './world.ts';
import type { Run } from './world.ts';
import type { Task } from '../../../domain/task.ts';

/** The task `yt-dlp` with the real yt-dlp and the sample site. */
let world: VideoWorld;
before(async () => {
  world = await createVideoWorld();
});
after(() => world.stop());

async function contentOf(run: Run, key: string): Promise<Buffer> {
  const [content] = await world.clients.storage
    .bucket(run.assignment.bucket)
    .file(objectName(run.assignment.prefix, key, 'mp4'))
    .download();
  return content;
}

describe('the task yt-dlp', { concurrency: 2 }, () => {
  it('stores the very bytes of each video, whatever its id looks like', async () => {
    const run = await world.videos({}, { concurrency: 2 });
    const keys = ['dQw4w9WgXcQ', '-rf', '--exec=id', ';rm -rf ~', '$(x)', '../../x', '🎬'];
    await run.publish(keys.map((key) => ({ key })));
    const downloader = run.start({ SPOTLOOP_YTDLP: world.ytDlp });
    const outcomes = await run.outcomes(keys.length);
    assert.deepEqual(
      new Set(outcomes.map(({ kind }) => kind)),
      new Set(['stored']),
      JSON.stringify(outcomes),
    );
    for (const key of keys) {
      const answer = await fetch(`${world.site.address}/clips/${encodeURIComponent(key)}.mp4`);
      assert.ok((await contentOf(run, key)).equals(Buffer.from(await answer.arrayBuffer())), key);
    }
    downloader.child.kill('SIGTERM');
    await downloader.ended;
    assert.deepEqual(await everythingIn(run.staging), []);
  });

  it("tells gone from failing, with the site's reason", async () => {
    const run = await world.videos({}, { concurrency: 2 });
    await world.misbehave({ id: 'gone0000000', kind: 'gone' });
    await world.misbehave({ id: 'failing0000', kind: 'failing' });
    await world.misbehave({ id: 'broken00000', kind: 'broken' });
    await world.misbehave({ id: 'lying000000', kind: 'lying' });
    const keys = ['gone0000000', 'failing0000', 'broken00000', 'lying000000'];
    await run.publish(keys.map((key) => ({ key })));
    run.start({ SPOTLOOP_YTDLP: world.ytDlp });
    const outcomes = (await run.outcomes(4)).toSorted((a, b) => a.index - b.index);
    assert.deepEqual(
      outcomes.map((one) => (one.kind === 'failed' ? [one.reason, one.attempts] : one)),
      [
        ['permanent', 1],
        ['exhausted', 2],
        ['exhausted', 2],
        ['exhausted', 2],
      ],
    );
    assert.match(JSON.stringify(outcomes[0]), /HTTP Error 404: Video unavailable/);
  });

  it('waits when the site asks for patience, which costs no attempt', async () => {
    const run = await world.videos({}, { concurrency: 2, attempts: 1 });
    await world.misbehave({ id: 'throttled00', kind: 'throttled', times: 1 });
    await run.publish([{ key: 'throttled00' }]);
    const downloader = run.start({ SPOTLOOP_YTDLP: world.ytDlp });
    const [outcome] = await run.outcomes(1);
    assert.equal(outcome?.kind, 'stored');
    assert.equal(outcome.attempts, 1);
    assert.match(downloader.stdout(), /throttled by the origin/);
  });

  it('stops a video that grows beyond maxItemSize, though the site never said how large it is', async () => {
    const run = await world.videos({}, { concurrency: 2, maxItemSizeBytes: 2_000_000 });
    await world.misbehave({ id: 'endless0000', kind: 'endless' });
    await run.publish([{ key: 'endless0000' }]);
    run.start({ SPOTLOOP_YTDLP: world.ytDlp });
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'failed' && outcome.reason === 'permanent');
    assert.match(outcome.error, /larger than maxItemSize/);
  });

  it('says so when the file is not what the extension promises', async () => {
    const task: Task = {
      kind: 'yt-dlp',
      url: `${world.site.address}/watch?v={key}`,
      format: 'best',
      extension: 'xyz',
      options: [],
    };
    const run = await world.run(task);
    await run.publish([{ key: 'dQw4w9WgXcQ' }]);
    run.start({ SPOTLOOP_YTDLP: world.ytDlp });
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'failed' && outcome.reason === 'permanent');
    assert.match(outcome.error, /made media\.mp4 instead of media\.xyz/);
  });
});
