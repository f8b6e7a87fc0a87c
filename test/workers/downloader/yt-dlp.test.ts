import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { findYtDlp } from '../../../infra/local/install/yt-dlp.ts';
import { startSite } from '../../../infra/local/site/site.ts';
import type { Site } from '../../../infra/local/site/site.ts';
import { objectName } from '../../../domain/object-name.ts';
import { createWorld, everythingIn } from './world.ts';
import type { Run, World } from './world.ts';
import type { Task } from '../../../domain/task.ts';

/** The task `yt-dlp` with the real yt-dlp and the sample site. */
let world: World;
let site: Site;
let ytDlp: string;
before(async () => {
  [world, site, ytDlp] = await Promise.all([
    createWorld(),
    startSite({}),
    findYtDlp().then(({ path }) => path),
  ]);
});
after(async () => {
  await site.stop();
  await world.stop();
});

function ytDlpRun(overrides = {}): Promise<Run> {
  const url = `${site.address}/watch?v={key}`;
  const task: Task = { kind: 'yt-dlp', url, format: 'best', extension: 'mp4', options: [] };
  return world.run(task, { attempts: 2, concurrency: 2, ...overrides });
}

async function misbehave(behaviour: Record<string, unknown>): Promise<void> {
  const answer = await fetch(`${site.address}/behaviour`, {
    method: 'POST',
    body: JSON.stringify(behaviour),
  });
  assert.equal(answer.status, 204);
}

async function contentOf(run: Run, key: string): Promise<Buffer> {
  const [content] = await world.clients.storage
    .bucket(run.assignment.bucket)
    .file(objectName(run.assignment.prefix, key, 'mp4'))
    .download();
  return content;
}

describe('the task yt-dlp', { concurrency: 2 }, () => {
  it('stores the very bytes of each video, whatever its id looks like', async () => {
    const run = await ytDlpRun();
    const keys = ['dQw4w9WgXcQ', '-rf', '--exec=id', ';rm -rf ~', '$(x)', '../../x', '🎬'];
    await run.publish(keys.map((key) => ({ key })));
    const downloader = run.start({ SPOTLOOP_YTDLP: ytDlp });
    const outcomes = await run.outcomes(keys.length);
    assert.deepEqual(
      new Set(outcomes.map(({ kind }) => kind)),
      new Set(['stored']),
      JSON.stringify(outcomes),
    );
    for (const key of keys) {
      const answer = await fetch(`${site.address}/clips/${encodeURIComponent(key)}.mp4`);
      assert.ok((await contentOf(run, key)).equals(Buffer.from(await answer.arrayBuffer())), key);
    }
    downloader.child.kill('SIGTERM');
    await downloader.ended;
    assert.deepEqual(await everythingIn(run.staging), []);
  });

  it("tells gone from failing, with the site's reason", async () => {
    const run = await ytDlpRun();
    await misbehave({ id: 'gone0000000', kind: 'gone' });
    await misbehave({ id: 'failing0000', kind: 'failing' });
    await misbehave({ id: 'broken00000', kind: 'broken' });
    await misbehave({ id: 'lying000000', kind: 'lying' });
    const keys = ['gone0000000', 'failing0000', 'broken00000', 'lying000000'];
    await run.publish(keys.map((key) => ({ key })));
    run.start({ SPOTLOOP_YTDLP: ytDlp });
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
    const run = await ytDlpRun({ attempts: 1 });
    await misbehave({ id: 'throttled00', kind: 'throttled', times: 1 });
    await run.publish([{ key: 'throttled00' }]);
    const downloader = run.start({ SPOTLOOP_YTDLP: ytDlp });
    const [outcome] = await run.outcomes(1);
    assert.equal(outcome?.kind, 'stored');
    assert.equal(outcome.attempts, 1);
    assert.match(downloader.stdout(), /throttled by the origin/);
  });

  it('stops a video that grows beyond maxItemSize, though the site never said how large it is', async () => {
    const run = await ytDlpRun({ maxItemSizeBytes: 2_000_000 });
    await misbehave({ id: 'endless0000', kind: 'endless' });
    await run.publish([{ key: 'endless0000' }]);
    run.start({ SPOTLOOP_YTDLP: ytDlp });
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'failed' && outcome.reason === 'permanent');
    assert.match(outcome.error, /larger than maxItemSize/);
  });

  it('says so when the file is not what the extension promises', async () => {
    const task: Task = {
      kind: 'yt-dlp',
      url: `${site.address}/watch?v={key}`,
      format: 'best',
      extension: 'xyz',
      options: [],
    };
    const run = await world.run(task);
    await run.publish([{ key: 'dQw4w9WgXcQ' }]);
    run.start({ SPOTLOOP_YTDLP: ytDlp });
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'failed' && outcome.reason === 'permanent');
    assert.match(outcome.error, /made media\.mp4 instead of media\.xyz/);
  });
});
