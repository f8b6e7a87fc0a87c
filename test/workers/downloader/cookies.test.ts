import assert from 'node:assert/strict';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { uniqueName } from '../../support/unique-name.ts';
import { createVideoWorld, refusalOf } from './video-world.ts';
import type { VideoWorld } from './video-world.ts';
import { eventually, everythingIn } from './world.ts';

/** Cookies of the task `yt-dlp`, with the real yt-dlp and a site that asks for them. */

let world: VideoWorld;
before(async () => {
  world = await createVideoWorld();
});
after(() => world.stop());

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

describe('cookies', { concurrency: 2 }, () => {
  it('sign in to the site, come back into no file of ours, and are in nothing that is stored', async () => {
    const run = await world.videos({ sideFiles: ['info'] }, { concurrency: 2 });
    const [content, keys] = [cookieFile('valid'), ['member00001', 'member00002']];
    const file = await world.secretFile(content);
    for (const key of keys) await world.misbehave({ id: key, kind: 'members' });
    await run.publish(keys.map((key) => ({ key })));
    const downloader = run.start({ SPOTLOOP_YTDLP: world.ytDlp, SPOTLOOP_COOKIES_FILE: file });
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
    const run = await world.videos();
    const program = join(world.stack.folder, uniqueName('looks'));
    const seen = `${program}.seen`;
    await writeFile(
      program,
      `#!/bin/sh\nstat -c %a cookies.txt >> ${seen}\nexec ${world.ytDlp} "$@"\n`,
    );
    await chmod(program, 0o755);
    await run.publish([{ key: 'moded000000' }, { key: 'moded000001' }]);
    run.start({
      SPOTLOOP_YTDLP: program,
      SPOTLOOP_COOKIES_FILE: await world.secretFile(cookieFile('valid'), 0o444),
    });
    await run.outcomes(2);
    assert.equal(await readFile(seen, 'utf8'), '600\n600\n');
  });

  it('that the site takes no more end the downloader in one sentence, and cost no item an attempt', async () => {
    const run = await world.videos({}, { concurrency: 3 });
    const file = await world.secretFile(cookieFile('expired-session-of-mine'));
    const keys = ['lapsed00001', 'lapsed00002', 'lapsed00003'];
    for (const key of keys) await world.misbehave({ id: key, kind: 'members' });
    await run.publish(keys.map((key) => ({ key })));
    const downloader = run.start({ SPOTLOOP_YTDLP: world.ytDlp, SPOTLOOP_COOKIES_FILE: file });
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
    const run = await world.videos({}, { concurrency: 1 });
    const file = await world.secretFile(cookieFile('expired-session'), 0o640);
    await world.misbehave({ id: 'renewed0000', kind: 'members' });
    await run.publish([{ key: 'renewed0000' }]);
    const downloader = run.start({ SPOTLOOP_YTDLP: world.ytDlp, SPOTLOOP_COOKIES_FILE: file });
    await eventually('the first refusal', () => downloader.stdout().includes('no longer valid'));
    await writeFile(file, cookieFile('valid'));
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'stored', JSON.stringify(outcome));
    assert.equal(outcome.attempts, 1);
  });

  it('that are gone in mid-run are looked for three times, and then told of', async () => {
    const run = await world.videos({}, { concurrency: 1 });
    const file = await world.secretFile(cookieFile('valid'));
    await run.publish([{ key: 'still000000' }]);
    const downloader = run.start({ SPOTLOOP_YTDLP: world.ytDlp, SPOTLOOP_COOKIES_FILE: file });
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
    const run = await world.videos();
    const other = cookieFile('valid').replaceAll('session', 'other');
    await world.misbehave({ id: 'account0000', kind: 'members' });
    await run.publish([{ key: 'account0000' }]);
    run.start({
      SPOTLOOP_YTDLP: world.ytDlp,
      SPOTLOOP_COOKIES_FILE: await world.secretFile(other),
    });
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
      const run = await world.videos();
      const file = await world.secretFile(content);
      const said = await refusalOf(
        run.start({ SPOTLOOP_YTDLP: world.ytDlp, SPOTLOOP_COOKIES_FILE: file }),
      );
      assert.match(said, words);
      assert.ok(said.startsWith(`cookies file ${file}: `));
      assert.doesNotMatch(said, /top-secret/);
    });
  }

  it('that are not there are refused at the start', async () => {
    const run = await world.videos();
    const file = '/nowhere/cookies.txt';
    const said = await refusalOf(
      run.start({ SPOTLOOP_YTDLP: world.ytDlp, SPOTLOOP_COOKIES_FILE: file }),
    );
    assert.match(
      said,
      /^cookies file \/nowhere\/cookies\.txt: .* — mount it, or correct SPOTLOOP_COOKIES_FILE$/,
    );
  });
});
