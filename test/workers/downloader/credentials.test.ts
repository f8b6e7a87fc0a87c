import assert from 'node:assert/strict';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Assignment } from '../../../domain/assignment.ts';
import type { Task } from '../../../domain/task.ts';
import { freePort } from '../../../infra/local/free-port.ts';
import { findYtDlp } from '../../../infra/local/install/yt-dlp.ts';
import { startSite } from '../../../infra/local/site/site.ts';
import type { Site } from '../../../infra/local/site/site.ts';
import { startForwardProxy } from '../../support/forward-proxy.ts';
import { uniqueName } from '../../support/unique-name.ts';
import { createWorld, eventually, everythingIn, lastWords } from './world.ts';
import type { Downloader, Run, World } from './world.ts';

/** Cookies and proxies of the task `yt-dlp`, with the real yt-dlp, the sample site and a real proxy. */
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

const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3_600;

/** A cookie file as browsers export it, with this session. */
function cookieFile(session: string): string {
  const cookies = [
    ['#HttpOnly_127.0.0.1', 'FALSE', '/', 'FALSE', String(inAnHour()), 'session', session],
    ['127.0.0.1', 'FALSE', '/', 'FALSE', '0', 'tracker', 'secret-of-the-tracker'],
  ];
  const lines = cookies.map((fields) => fields.join('\t'));
  return `# Netscape HTTP Cookie File\n# Exported by a test\n\n${lines.join('\n')}\n`;
}

async function fileOf(content: string, mode = 0o440): Promise<string> {
  const file = join(world.stack.folder, uniqueName('secret'));
  await writeFile(file, content, { mode });
  return file;
}

async function ytDlpRun(
  overrides: Partial<Assignment> = {},
  more: Partial<Extract<Task, { kind: 'yt-dlp' }>> = {},
): Promise<Run> {
  const url = `${site.address}/watch?v={key}`;
  const task: Task = { kind: 'yt-dlp', url, format: 'b', extension: 'mp4', options: [], ...more };
  return world.run(task, { attempts: 2, ...overrides });
}

async function misbehave(id: string, kind: string): Promise<void> {
  const order = { method: 'POST', body: JSON.stringify({ id, kind }) };
  assert.equal((await fetch(`${site.address}/behaviour`, order)).status, 204);
}

/** What was said of an end before anything was pulled. */
async function refusalOf(downloader: Downloader): Promise<string> {
  const { code } = await downloader.ended;
  assert.equal(code, 64, downloader.stderr());
  return String(lastWords(downloader)['message']);
}

describe('cookies', { concurrency: 2 }, () => {
  it('sign in to the site, come back into no file of ours, and are in nothing that is stored', async () => {
    const run = await ytDlpRun({ concurrency: 2 }, { sideFiles: ['info'] });
    const [content, keys] = [cookieFile('valid'), ['member00001', 'member00002']];
    const file = await fileOf(content);
    for (const key of keys) await misbehave(key, 'members');
    await run.publish(keys.map((key) => ({ key })));
    const downloader = run.start({ SPOTLOOP_YTDLP: ytDlp, SPOTLOOP_COOKIES_FILE: file });
    const outcomes = await run.outcomes(2);
    assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['stored']));
    const info = await world.clients.storage
      .bucket(run.assignment.bucket)
      .file(`${run.assignment.prefix}member00001.info.json`)
      .download();
    assert.match(info.toString(), /Sample video member00001/);
    assert.doesNotMatch(info.toString(), /secret-of-the-tracker|session=/);
    downloader.child.kill('SIGTERM');
    await downloader.ended;
    assert.equal(await readFile(file, 'utf8'), content);
    assert.deepEqual(await everythingIn(run.staging), []);
  });

  it('are a copy for each attempt that nobody else may read', async () => {
    const run = await ytDlpRun();
    const program = join(world.stack.folder, uniqueName('looks'));
    const seen = `${program}.seen`;
    await writeFile(program, `#!/bin/sh\nstat -c %a cookies.txt >> ${seen}\nexec ${ytDlp} "$@"\n`);
    await chmod(program, 0o755);
    await run.publish([{ key: 'moded000000' }, { key: 'moded000001' }]);
    run.start({
      SPOTLOOP_YTDLP: program,
      SPOTLOOP_COOKIES_FILE: await fileOf(cookieFile('valid'), 0o444),
    });
    await run.outcomes(2);
    assert.equal(await readFile(seen, 'utf8'), '600\n600\n');
  });

  it('that the site takes no more end the downloader in one sentence, and cost no item an attempt', async () => {
    const run = await ytDlpRun({ concurrency: 3 });
    const file = await fileOf(cookieFile('expired-session-of-mine'));
    const keys = ['lapsed00001', 'lapsed00002', 'lapsed00003'];
    for (const key of keys) await misbehave(key, 'members');
    await run.publish(keys.map((key) => ({ key })));
    const downloader = run.start({ SPOTLOOP_YTDLP: ytDlp, SPOTLOOP_COOKIES_FILE: file });
    const words = await refusalOf(downloader);
    assert.match(
      words,
      /^signed out by the site: .*cookies are no longer valid.* — renew .*: sign in again and export the cookies anew$/,
    );
    assert.ok(words.includes(file));
    const left = await run.left();
    assert.deepEqual(left.map(({ item }) => item.key).toSorted(), keys);
    assert.ok(left.every(({ item }) => item.deaths === 0));
    assert.doesNotMatch(downloader.stdout() + downloader.stderr(), /expired-session-of-mine/);
  });

  it('that are renewed in time are used from the next attempt on', async () => {
    const run = await ytDlpRun({ concurrency: 1 });
    const file = await fileOf(cookieFile('expired-session'), 0o640);
    await misbehave('renewed0000', 'members');
    await run.publish([{ key: 'renewed0000' }]);
    const downloader = run.start({ SPOTLOOP_YTDLP: ytDlp, SPOTLOOP_COOKIES_FILE: file });
    await eventually('the first refusal', () => downloader.stdout().includes('no longer valid'));
    await writeFile(file, cookieFile('valid'));
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'stored', JSON.stringify(outcome));
    assert.equal(outcome.attempts, 1);
  });

  it('that are gone in mid-run are looked for three times, and then told of', async () => {
    const run = await ytDlpRun({ concurrency: 1 });
    const file = await fileOf(cookieFile('valid'));
    await run.publish([{ key: 'still000000' }]);
    const downloader = run.start({ SPOTLOOP_YTDLP: ytDlp, SPOTLOOP_COOKIES_FILE: file });
    await run.outcomes(1);
    await rm(file);
    await run.publish([{ key: 'gone0000001', index: 1 }]);
    const said = await refusalOf(downloader);
    assert.match(said, /^cookies file .*ENOENT.* — mount it, or correct SPOTLOOP_COOKIES_FILE$/);
    assert.deepEqual(
      (await run.left()).map(({ item }) => item.key),
      ['gone0000001'],
    );
  });

  it('leave an item that another account may see for another run', async () => {
    const run = await ytDlpRun();
    const other = cookieFile('valid').replaceAll('session', 'other');
    await misbehave('account0000', 'members');
    await run.publish([{ key: 'account0000' }]);
    run.start({ SPOTLOOP_YTDLP: ytDlp, SPOTLOOP_COOKIES_FILE: await fileOf(other) });
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'failed' && outcome.reason === 'exhausted');
    assert.match(
      outcome.error,
      /Sign in to see what is for members only.* — the cookies may have expired, or their account may not see it/,
    );
  });

  for (const [what, content, words] of [
    [
      'are JSON',
      '[{"name": "session", "value": "top-secret"}]',
      /it is JSON — export it in Netscape/,
    ],
    ['are empty', '\n', /it is empty/],
    ['lack the first line', 'a\tb\tc\td\t0\tsession\ttop-secret\n', /its first line is not/],
    [
      'lost their tabs',
      '# Netscape HTTP Cookie File\n127.0.0.1 FALSE / FALSE 0 session top-secret\n',
      /line 2 has 1 fields between tabs instead of 7/,
    ],
    [
      'have all expired',
      '# Netscape HTTP Cookie File\nx.test\tFALSE\t/\tFALSE\t1000\tsession\ttop-secret\n',
      /all of its cookies have expired — sign in again/,
    ],
  ] as const) {
    it(`that ${what} are refused at the start, and not shown`, async () => {
      const run = await ytDlpRun();
      const file = await fileOf(content);
      const said = await refusalOf(
        run.start({ SPOTLOOP_YTDLP: ytDlp, SPOTLOOP_COOKIES_FILE: file }),
      );
      assert.match(said, words);
      assert.ok(said.startsWith(`cookies file ${file}: `));
      assert.doesNotMatch(said, /top-secret/);
    });
  }

  it('that are not there are refused at the start', async () => {
    const run = await ytDlpRun();
    const file = '/nowhere/cookies.txt';
    const said = await refusalOf(run.start({ SPOTLOOP_YTDLP: ytDlp, SPOTLOOP_COOKIES_FILE: file }));
    assert.match(
      said,
      /^cookies file \/nowhere\/cookies\.txt: .* — mount it, or correct SPOTLOOP_COOKIES_FILE$/,
    );
  });
});

describe('a proxy', { concurrency: 2 }, () => {
  const userinfo = 'spot:pass%20word%40home';

  it('is asked for page and video, whatever the machine says of proxies', async () => {
    const run = await ytDlpRun();
    const proxy = await startForwardProxy(userinfo);
    try {
      await run.publish([{ key: 'proxied0000' }]);
      run.start({
        SPOTLOOP_YTDLP: ytDlp,
        SPOTLOOP_PROXY_FILE: await fileOf(`${proxy.address}\n`),
        NO_PROXY: '127.0.0.1',
      });
      const [outcome] = await run.outcomes(1);
      assert.equal(outcome?.kind, 'stored', JSON.stringify(outcome));
      assert.ok(proxy.asked.some((address) => address.endsWith('/watch?v=proxied0000')));
      assert.ok(proxy.asked.some((address) => address.endsWith('/clips/proxied0000.mp4')));
    } finally {
      await proxy.stop();
    }
  });

  it('is asked by the task http as well', async () => {
    const run = await world.run({
      kind: 'http',
      url: `${site.address}/clips/{key}.mp4`,
      extension: 'mp4',
    });
    const proxy = await startForwardProxy(userinfo);
    try {
      await run.publish([{ key: 'proxied0001' }]);
      run.start({ SPOTLOOP_PROXY_FILE: await fileOf(proxy.address) });
      const [outcome] = await run.outcomes(1);
      assert.equal(outcome?.kind, 'stored', JSON.stringify(outcome));
      assert.ok(proxy.asked[0]?.endsWith('/clips/proxied0001.mp4'));
    } finally {
      await proxy.stop();
    }
  });

  it('that is down is named by the task http, without its password', async () => {
    const run = await world.run(
      { kind: 'http', url: `${site.address}/clips/{key}.mp4`, extension: 'mp4' },
      { attempts: 1 },
    );
    const file = await fileOf(`http://${userinfo}@127.0.0.1:${await freePort()}`);
    await run.publish([{ key: 'noproxy0001' }]);
    const downloader = run.start({ SPOTLOOP_PROXY_FILE: file });
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'failed' && outcome.reason === 'exhausted');
    assert.match(outcome.error, /^through the proxy: fetch failed: connect ECONNREFUSED/);
    const told = outcome.error + downloader.stdout() + downloader.stderr();
    assert.doesNotMatch(told, /pass%20word|pass word/);
  });

  it('that is not for http is refused for that task', async () => {
    const run = await world.run({ kind: 'http', url: '{key}', extension: '' });
    const file = await fileOf(`socks5://${userinfo}@127.0.0.1:1080`);
    const said = await refusalOf(run.start({ SPOTLOOP_PROXY_FILE: file }));
    assert.match(said, /^proxy of the task http: it is none of http:\/\/ or https:\/\//);
  });

  it('that is down, or has another password, is a failure that may pass, in words without the password', async () => {
    const proxy = await startForwardProxy('spot:another');
    const { port } = new URL(proxy.address);
    const down = `http://${userinfo}@127.0.0.1:${await freePort()}`;
    try {
      for (const address of [down, `http://${userinfo}@127.0.0.1:${port}`]) {
        const run = await ytDlpRun();
        await run.publish([{ key: 'noproxy0000' }]);
        const downloader = run.start({
          SPOTLOOP_YTDLP: ytDlp,
          SPOTLOOP_PROXY_FILE: await fileOf(address),
        });
        const [outcome] = await run.outcomes(1);
        assert.ok(outcome?.kind === 'failed', JSON.stringify(outcome));
        assert.deepEqual([outcome.reason, outcome.attempts], ['exhausted', 2]);
        assert.match(outcome.error, /^the proxy is down, or does not let us through: /);
        const told = JSON.stringify(outcome) + downloader.stdout() + downloader.stderr();
        assert.doesNotMatch(told, /pass%20word|pass word|c3BvdDpw/);
        assert.deepEqual(proxy.asked, []);
      }
    } finally {
      await proxy.stop();
    }
  });

  for (const content of [
    'proxy.test:3128 with top-secret',
    'ftp://u:top-secret@h:1',
    'http://u:top-secret%zz@h:1',
    'http://',
    '',
  ]) {
    it(`whose address is ${JSON.stringify(content)} is refused at the start, and not shown`, async () => {
      const run = await ytDlpRun();
      const file = await fileOf(content);
      const said = await refusalOf(run.start({ SPOTLOOP_YTDLP: ytDlp, SPOTLOOP_PROXY_FILE: file }));
      assert.match(
        said,
        /^proxy file .*: it does not hold the address of a proxy — write one line like /,
      );
      assert.doesNotMatch(said, /top-secret/);
    });
  }
});
