import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { clipOf } from '../../../infra/local/site/clip.ts';
import { startSite } from '../../../infra/local/site/site.ts';
import type { LoggedRequest, RequestCount, Site } from '../../../infra/local/site/site.ts';
import { ensurePart } from '../../../infra/local/install/part.ts';
import { findYtDlp } from '../../../infra/local/install/yt-dlp.ts';
import { uniqueName } from '../../support/unique-name.ts';

let site: Site;
before(async () => {
  site = await startSite({ gone: ['-gone0000ID'] });
});
after(() => site.stop());

async function behave(behaviour: Record<string, unknown>): Promise<Response> {
  return fetch(`${site.address}/behaviour`, { method: 'POST', body: JSON.stringify(behaviour) });
}

async function requestsOf(id: string): Promise<RequestCount | undefined> {
  const answer = await fetch(`${site.address}/requests`);
  return ((await answer.json()) as Record<string, RequestCount>)[id];
}

function clip(id: string, init?: RequestInit): Promise<Response> {
  return fetch(`${site.address}/clips/${encodeURIComponent(id)}.mp4`, init);
}

test('the real yt-dlp downloads the clip of an id that starts with a dash', async () => {
  const ytDlp = await ensurePart(await findYtDlp());
  await using folder = await mkdtempDisposable(join(tmpdir(), 'spotloop-site-'));
  const args = ['--no-update', '--ignore-config', '-o', join(folder.path, 'clip.%(ext)s'), '--'];
  await promisify(execFile)(ytDlp, [...args, `${site.address}/watch?v=-KnlnMUwmj8`]);
  assert.deepEqual(await readdir(folder.path), ['clip.mp4']);
  assert.deepEqual(await readFile(join(folder.path, 'clip.mp4')), clipOf('-KnlnMUwmj8'));
  assert.deepEqual(await requestsOf('-KnlnMUwmj8'), { watch: 1, clip: 1, complete: 1 });
});

test('the real yt-dlp lists a playlist, and what it holds can be changed', async () => {
  const ytDlp = await ensurePart(await findYtDlp());
  const args = ['--no-update', '--ignore-config', '--flat-playlist', '--print', '%(url)s', '--'];
  const listed = async (): Promise<string> =>
    (await promisify(execFile)(ytDlp, [...args, `${site.address}/playlist?list=mine`])).stdout;
  const hold = (playlist: unknown): Promise<Response> =>
    fetch(`${site.address}/playlists`, { method: 'POST', body: JSON.stringify(playlist) });
  assert.equal((await hold({ name: 'mine', ids: ['-a', 'b&c'] })).status, 204);
  const pages = ['-a', 'b%26c', 'd'].map((id) => `${site.address}/watch?v=${id}\n`);
  assert.equal(await listed(), pages.slice(0, 2).join(''));
  await hold({ name: 'mine', ids: ['-a', 'b&c', 'd'] });
  assert.equal(await listed(), pages.join(''));
  const refused = await hold({ name: 'mine' });
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /^playlist: not what is wanted — send /);
});

test("yt-dlp repeats the site's reason for a gone id", async () => {
  const ytDlp = await ensurePart(await findYtDlp());
  const args = ['--no-update', '--ignore-config', '--', `${site.address}/watch?v=-gone0000ID`];
  await assert.rejects(promisify(execFile)(ytDlp, args), /HTTP Error 404: Video unavailable/);
});

test('the clips of two ids differ and the clip of one id does not', async () => {
  const read = async (id: string): Promise<Buffer> => Buffer.from(await (await clip(id)).bytes());
  const [first, again, other] = [await read('a'), await read('a'), await read('b')];
  assert.ok(first.equals(again));
  assert.ok(!first.equals(other));
});

test('a range of a clip is that part of it', async () => {
  const answer = await clip('ranged', { headers: { range: 'bytes=100-199' } });
  assert.equal(answer.status, 206);
  assert.deepEqual(Buffer.from(await answer.bytes()), clipOf('ranged').subarray(100, 200));
  assert.equal((await clip('ranged', { headers: { range: 'bytes=9999999-' } })).status, 416);
});

test('HEAD tells the length and sends nothing', async () => {
  const answer = await clip('headed', { method: 'HEAD' });
  assert.equal(Number(answer.headers.get('content-length')), clipOf('headed').length);
  assert.equal((await requestsOf('headed'))?.complete, 0);
});

for (const [kind, status] of [
  ['gone', 404],
  ['forbidden', 403],
  ['throttled', 429],
  ['bot-check', 403],
  ['failing', 500],
] as const) {
  test(`an id told to be ${kind} answers ${status} that many times`, async () => {
    const id = uniqueName(kind);
    assert.equal((await behave({ id, kind, times: 2, retryAfterSeconds: 7 })).status, 204);
    assert.equal((await fetch(`${site.address}/watch?v=${id}`)).status, status);
    const second = await clip(id);
    assert.equal(second.status, status);
    assert.equal(second.headers.get('retry-after'), kind === 'throttled' ? '7' : null);
    assert.equal((await clip(id)).status, 200);
  });
}

test('an order for all that begin alike holds until it is taken back, and the log tells of it', async () => {
  const prefix = uniqueName('many');
  const id = `${prefix}-any`;
  const own = `${prefix}-own`;
  await behave({ id: own, kind: 'gone' });
  await behave({ id: `${prefix}-*`, kind: 'throttled' });
  assert.equal((await clip(id)).status, 429);
  assert.equal((await clip(own)).status, 429);
  assert.equal((await clip(uniqueName('other'))).status, 200);
  await behave({ id: `${prefix}-*`, kind: 'normal' });
  assert.equal((await clip(own)).status, 404);
  assert.equal((await clip(id)).status, 200);
  const log = (await (await fetch(`${site.address}/log`)).json()) as LoggedRequest[];
  assert.deepEqual(
    log.filter(({ id: of }) => of.startsWith(prefix)).map(({ id: of, as }) => [of, as]),
    [
      [id, 'throttled'],
      [own, 'throttled'],
      [own, 'gone'],
      [id, 'normal'],
    ],
  );
  assert.ok(Math.abs((log.at(-1)?.atMs ?? 0) - Date.now()) < 10_000);
});

for (const kind of ['broken', 'lying', 'resetting'] as const) {
  test(`a clip told to be ${kind} ends before its Content-Length`, async () => {
    const id = uniqueName(kind);
    await behave({ id, kind, times: 1 });
    await assert.rejects(async () => (await clip(id)).bytes(), /terminated/);
    assert.equal((await requestsOf(id))?.complete, 0);
    assert.equal((await (await clip(id)).bytes()).length, clipOf(id).length);
  });
}

test('a clip told to be endless goes on after its bytes', async () => {
  await behave({ id: 'endless', kind: 'endless' });
  const stop = new AbortController();
  const { body } = await clip('endless', { signal: stop.signal });
  let received = 0;
  for await (const chunk of body!) {
    received += (chunk as Uint8Array).length;
    if (received > 2 * clipOf('endless').length) break;
  }
  stop.abort();
  assert.ok(received > 2 * clipOf('endless').length);
});

test('a clip told to be slow takes its time and is complete', async () => {
  await behave({ id: 'slow', kind: 'slow', seconds: 0.3 });
  const startedAt = performance.now();
  assert.equal((await (await clip('slow')).bytes()).length, clipOf('slow').length);
  assert.ok(performance.now() - startedAt >= 290);
});

test('a wrong behaviour is refused with every field that is wrong', async () => {
  const answer = await behave({ id: 'x', kind: 'gon', tmes: 3 });
  assert.equal(answer.status, 400);
  assert.match(await answer.text(), /kind: .*"gone".*"tmes".*the fields are id, kind, times/);
});

test('a clip told to be surplus ends where its Content-Length says, which is too early', async () => {
  const id = uniqueName('surplus');
  await behave({ id, kind: 'surplus', times: 1 });
  const bytes = Buffer.from(await (await clip(id)).bytes());
  assert.ok(bytes.length < clipOf(id).length);
  assert.ok(bytes.equals(clipOf(id).subarray(0, bytes.length)));
});

test('a clip told to be hanging says nothing after its half', async () => {
  const id = uniqueName('hanging');
  await behave({ id, kind: 'hanging', times: 1 });
  const signal = AbortSignal.timeout(300);
  await assert.rejects(async () => (await clip(id, { signal })).bytes(), /TimeoutError|timeout/);
});

test('ids told to circle or to be removed say so', async () => {
  const [circling, removed] = [uniqueName('circling'), uniqueName('removed')];
  await behave({ id: circling, kind: 'circling' });
  await behave({ id: removed, kind: 'removed' });
  const answer = await clip(circling, { redirect: 'manual' });
  assert.deepEqual(
    [answer.status, answer.headers.get('location')],
    [302, `/clips/${circling}.mp4`],
  );
  assert.equal((await clip(removed)).status, 410);
});
