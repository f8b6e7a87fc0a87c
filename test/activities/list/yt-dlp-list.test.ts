import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { access, readFile, readdir, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { ApplicationFailure } from '@temporalio/activity';
import type { YtDlp } from '../../../activities/list/yt-dlp-list.ts';
import { runFolder } from '../../../domain/names.ts';
import type { RunSpecInput } from '../../../domain/run-spec.ts';
import { ensurePart } from '../../../infra/local/install/part.ts';
import { findYtDlp } from '../../../infra/local/install/yt-dlp.ts';
import { startSite } from '../../../infra/local/site/site.ts';
import type { Site } from '../../../infra/local/site/site.ts';
import { waitUntil } from '../../support/run-stack.ts';
import { uniqueName } from '../../support/unique-name.ts';
import {
  closeWorld,
  failureOf,
  inActivity,
  keysIn,
  listServer,
  newActivity,
  objectsIn,
  openWorld,
  runOver,
  snapshotListOf,
} from '../world.ts';
import type { World } from '../world.ts';

/** Pages that the real yt-dlp lists. */

let world: World;
let site: Site;
let ytDlp: YtDlp;
before(async () => {
  world = await openWorld();
  site = await startSite({});
  ytDlp = { program: await ensurePart(await findYtDlp()), environment: process.env };
});
after(async () => {
  await site.stop();
  await closeWorld(world);
});

async function playlistOf(ids: readonly string[]): Promise<string> {
  const name = uniqueName('list');
  const body = JSON.stringify({ name, ids });
  await fetch(`${site.address}/playlists`, { method: 'POST', body });
  return `yt-dlp+${site.address}/playlist?list=${name}`;
}

/** A page on a server of its own; its address is in no other process's arguments. */
async function page(t: TestContext, answer: (response: ServerResponse, path: string) => void) {
  const { url, close } = await listServer(answer);
  t.after(close);
  return { address: `yt-dlp+${url}`, url };
}

function feed(response: ServerResponse, items: string): void {
  response.setHeader('content-type', 'application/rss+xml');
  response.end(
    `<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>${items}</channel></rss>`,
  );
}

const twoVideos = '<html><title>t</title><video src="/a.mp4"></video><video src="/b.mp4"></video>';

/** How many processes have this in their arguments. */
async function processesWith(argument: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(argument)).length;
}

function snapshot(items: string, more: Partial<RunSpecInput> = {}, by: YtDlp = ytDlp) {
  const { run, spec } = runOver(world, items, more);
  return { run, result: inActivity(snapshotListOf(world, by), { run, spec }) };
}

/** Where a key is an id. */
const byId = { task: { kind: 'yt-dlp' } } as const;

describe('a page that yt-dlp lists', () => {
  it('gives the addresses of its entries where the task wants addresses', async () => {
    const { run, result } = snapshot(await playlistOf(['-a', 'b&c', '🎬', '-a']));
    const { total, duplicates } = await result;
    deepEqual([total, duplicates], [3, 1]);
    const pages = ['-a', 'b%26c', '%F0%9F%8E%AC'].map((id) => `${site.address}/watch?v=${id}`);
    deepEqual(await keysIn(world, run, 'new'), pages);
  });

  it('gives their ids where the task puts an id into an address', async (t) => {
    const two = await page(t, (response) => response.end(twoVideos));
    const { run, result } = snapshot(`${two.address}two`, byId);
    await result;
    deepEqual(await keysIn(world, run, 'new'), ['two-1', 'two-2']);
  });

  it('gives addresses without what yt-dlp hides behind them', async (t) => {
    const item = '<item><link>https://a.test/1</link><guid>g1</guid></item>';
    const one = await page(t, (response) => feed(response, item));
    const { run, result } = snapshot(one.address);
    await result;
    deepEqual(await keysIn(world, run, 'new'), ['https://a.test/1']);
  });

  it('is read only as far as the limit, and yt-dlp ends then', async () => {
    const address = await playlistOf(Array.from({ length: 3_000 }, (_, at) => `id${at}`));
    const { run, result } = snapshot(address, { limit: 5 });
    equal((await result).total, 5);
    equal((await keysIn(world, run, 'new')).length, 5);
    equal(await processesWith(address.slice('yt-dlp+'.length)), 0);
  });

  it('is never given to a shell', async (t) => {
    const file = join(world.stack.folder, 'made-by-a-shell');
    const asked: string[] = [];
    const server = await page(t, (response, path) => {
      asked.push(path);
      response.end(twoVideos);
    });
    const { result } = snapshot(`${server.address}$(touch ${file});'"\``, byId);
    equal((await result).total, 2);
    match(asked[0] ?? '', /^\/\$\(touch%20/);
    await rejects(access(file));
  });
});

describe('a page is refused', () => {
  for (const [what, answer, more, pattern] of [
    [
      'that is not there, in the words of yt-dlp',
      (response: ServerResponse) => response.writeHead(404, 'No such channel').end(),
      {},
      /^read list yt-dlp\+http:\S+: yt-dlp: .*HTTP Error 404: No such channel.* — open the address/,
    ],
    [
      'on which there is nothing',
      (response: ServerResponse) => feed(response, ''),
      {},
      /: yt-dlp lists nothing there: .*Falling back on generic.* — open the address/,
    ],
    [
      'that holds no video',
      (response: ServerResponse) => response.end('<html><p>Hello</p>'),
      byId,
      /: yt-dlp: .*Unsupported URL.* — open the address/,
    ],
    [
      'whose entries have no id, where the task wants one',
      (response: ServerResponse) => feed(response, '<item><link>https://a.test/</link></item>'),
      byId,
      /: entry 1 has no id — set "task\.url" to "\{key\}"/,
    ],
  ] as const) {
    it(what, async (t) => {
      const { address, url } = await page(t, answer);
      const { run, result } = snapshot(address, more);
      const message = await failureOf('InvalidList', result);
      match(message, pattern);
      equal(message.split('\n').length, 1);
      deepEqual(await objectsIn(world, runFolder(run.name).root), []);
      equal(await processesWith(url), 0);
    });
  }

  it('over plain http from elsewhere', async () => {
    const { result } = snapshot('yt-dlp+http://example.com/list');
    match(await failureOf('InvalidList', result), /http:\/\/ is not read from example\.com/);
  });
});

describe('a page is tried again', () => {
  it('when the site fails', async (t) => {
    const broken = await page(t, (response) => response.writeHead(502, 'Bad Gateway').end());
    await rejects(
      snapshot(broken.address).result,
      /yt-dlp: .*HTTP Error 502.* — it is tried again$/,
    );
  });

  it('after a while when the site asks for patience', async (t) => {
    const busy = await page(t, (response) => response.writeHead(429, 'Too Many Requests').end());
    await rejects(snapshot(busy.address).result, (error) => {
      ok(error instanceof ApplicationFailure, String(error));
      equal(error.nonRetryable, false);
      equal(error.nextRetryDelay, 300_000);
      match(error.message, /HTTP Error 429/);
      return true;
    });
  });

  it('when yt-dlp fails after it listed some: half a list is none', async () => {
    const program = join(world.stack.folder, 'half-way');
    const script =
      '#!/bin/sh\necho a\necho b\necho "ERROR: [x] y: The read operation timed out" >&2\nexit 1\n';
    await writeFile(program, script, { mode: 0o755 });
    const by = { program, environment: process.env };
    const { run, result } = snapshot('yt-dlp+https://a.test/', byId, by);
    await rejects(result, /yt-dlp: \[x\] y: The read operation timed out — it is tried again$/);
    deepEqual(await objectsIn(world, runFolder(run.name).root), []);
  });

  it('when yt-dlp cannot be started', async () => {
    const by = { program: '/no/such/yt-dlp', environment: process.env };
    const { result } = snapshot('yt-dlp+https://a.test/', byId, by);
    await rejects(result, /yt-dlp: it did not start: .*ENOENT.* — it is tried again$/);
  });
});

describe('a page that does not answer', () => {
  it('is given up after the time that yt-dlp may say nothing', async (t) => {
    const silent = await page(t, () => {});
    const limits = { silenceMs: 1_500, wholeMs: 60_000 };
    const { result } = snapshot(silent.address, byId, { ...ytDlp, limits });
    await rejects(result, /: yt-dlp said nothing for 1\.5 s — it is tried again$/);
    equal(await processesWith(silent.url), 0);
  });

  it('is given up for good after the time that it may take in all', async (t) => {
    const silent = await page(t, () => {});
    const limits = { silenceMs: 60_000, wholeMs: 1_500 };
    const { result } = snapshot(silent.address, byId, { ...ytDlp, limits });
    match(await failureOf('InvalidList', result), /: yt-dlp was not through after 1\.5 s — give/);
    equal(await processesWith(silent.url), 0);
  });

  it('is let go at once when the run is cancelled, and heartbeats until then', async (t) => {
    const silent = await page(t, () => {});
    const activity = newActivity();
    let beats = 0;
    activity.on('heartbeat', () => (beats += 1));
    const { run, spec } = runOver(world, silent.address);
    // A program may start others: they go with it.
    const program = join(world.stack.folder, 'starts-another');
    await writeFile(program, `#!/bin/sh\n"${ytDlp.program}" "$@"\nexit $?\n`, { mode: 0o755 });
    const running = activity.run(snapshotListOf(world, { ...ytDlp, program }), { run, spec });
    running.catch(() => {});
    await waitUntil(async () => (await processesWith(silent.url)) > 0 && beats > 1);
    activity.cancel();
    await rejects(running, /CANCELLED/i);
    equal(await processesWith(silent.url), 0);
  });
});
