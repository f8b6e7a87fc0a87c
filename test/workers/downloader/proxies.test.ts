import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { freePort } from '../../../infra/local/free-port.ts';
import { startForwardProxy } from '../../support/forward-proxy.ts';
import { createVideoWorld, refusalOf } from './video-world.ts';
import type { VideoWorld } from './video-world.ts';

/** Proxies of the tasks `yt-dlp` and `http`: a real one, with a password. */

let world: VideoWorld;
before(async () => {
  world = await createVideoWorld();
});
after(() => world.stop());

describe('a proxy', { concurrency: 2 }, () => {
  const userinfo = 'spot:pass%20word%40home';

  it('is asked for page and video, whatever the machine says of proxies', async () => {
    const run = await world.videos();
    const proxy = await startForwardProxy(userinfo);
    try {
      await run.publish([{ key: 'proxied0000' }]);
      run.start({
        SPOTLOOP_YTDLP: world.ytDlp,
        SPOTLOOP_PROXY_FILE: await world.secretFile(`${proxy.address}\n`),
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
      url: `${world.site.address}/clips/{key}.mp4`,
      extension: 'mp4',
    });
    const proxy = await startForwardProxy(userinfo);
    try {
      await run.publish([{ key: 'proxied0001' }]);
      run.start({ SPOTLOOP_PROXY_FILE: await world.secretFile(proxy.address) });
      const [outcome] = await run.outcomes(1);
      assert.equal(outcome?.kind, 'stored', JSON.stringify(outcome));
      assert.ok(proxy.asked[0]?.endsWith('/clips/proxied0001.mp4'));
    } finally {
      await proxy.stop();
    }
  });

  it('that is down is named by the task http, without its password', async () => {
    const run = await world.run(
      { kind: 'http', url: `${world.site.address}/clips/{key}.mp4`, extension: 'mp4' },
      { attempts: 1 },
    );
    const file = await world.secretFile(`http://${userinfo}@127.0.0.1:${await freePort()}`);
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
    const file = await world.secretFile(`socks5://${userinfo}@127.0.0.1:1080`);
    const said = await refusalOf(run.start({ SPOTLOOP_PROXY_FILE: file }));
    assert.match(said, /^proxy of the task http: it is none of http:\/\/ or https:\/\//);
  });

  it('that is down, or has another password, is a failure that may pass, in words without the password', async () => {
    const proxy = await startForwardProxy('spot:another');
    const { port } = new URL(proxy.address);
    const down = `http://${userinfo}@127.0.0.1:${await freePort()}`;
    try {
      for (const address of [down, `http://${userinfo}@127.0.0.1:${port}`]) {
        const run = await world.videos();
        await run.publish([{ key: 'noproxy0000' }]);
        const downloader = run.start({
          SPOTLOOP_YTDLP: world.ytDlp,
          SPOTLOOP_PROXY_FILE: await world.secretFile(address),
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
      const run = await world.videos();
      const file = await world.secretFile(content);
      const said = await refusalOf(
        run.start({ SPOTLOOP_YTDLP: world.ytDlp, SPOTLOOP_PROXY_FILE: file }),
      );
      assert.match(
        said,
        /^proxy file .*: it does not hold the address of a proxy — write one line like /,
      );
      assert.doesNotMatch(said, /top-secret/);
    });
  }
});
