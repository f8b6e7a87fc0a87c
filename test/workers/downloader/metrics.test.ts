import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { readMetrics, valueOf } from '../../support/prometheus.ts';
import { createPod } from './pod.ts';
import { createWorld, eventually, lastWords } from './world.ts';
import type { Downloader, World } from './world.ts';

/** A real downloader's metrics, as a collector gets them. */
let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.stop());

/** `flaky` fails once; sysexits.h has 65 for what is wrong for good. */
const script = `case $SPOTLOOP_KEY in
  gone) exit 65;;
  broken) exit 1;;
  flaky) test -e "$0.flaky" || { touch "$0.flaky"; exit 1; };;
  slow) sleep 60;;
esac`;

const anyPort = { SPOTLOOP_METRICS_ADDRESS: '127.0.0.1:0' };

type Line = { readonly message: string; readonly address?: string; readonly severity: string };

function linesOf(downloader: Downloader): Line[] {
  const whole = downloader.stdout().split('\n').slice(0, -1);
  return whole.map((line) => JSON.parse(line) as Line);
}

async function addressOf(downloader: Downloader): Promise<string> {
  const line = await eventually('metrics are told', () =>
    linesOf(downloader).find(({ message }) => message === 'metrics are told'),
  );
  return `http://${line.address}/metrics`;
}

describe('metrics of a downloader', { concurrency: 2 }, () => {
  it('count what became of items, attempts and leases', async () => {
    const pod = await createPod(world, script.replaceAll('$0', world.stack.folder), {
      attempts: 2,
      concurrency: 3,
    });
    const downloader = pod.start(anyPort);
    const url = await addressOf(downloader);
    const atFirst = await readMetrics(url);
    const none = { outcome: 'stored', reason: '' };
    assert.equal(valueOf(atFirst, 'spotloop_downloader_items_total', none), 0);

    const keys = ['a', 'b', 'gone', 'broken', 'flaky', 'slow'];
    await pod.run.publish(keys.map((key) => ({ key })));
    await pod.run.outcomes(5);
    // The slow one's lease is renewed every third of its deadline of 10 s.
    const metrics = await eventually('the lease is renewed', async () => {
      const now = await readMetrics(url);
      return valueOf(now, 'spotloop_downloader_leases_total', { result: 'renewed' }) >= 1 && now;
    });
    const read = (name: string, labels = {}) =>
      valueOf(metrics, `spotloop_downloader_${name}`, labels);
    assert.deepEqual(
      {
        stored: read('items_total', { outcome: 'stored' }),
        permanent: read('items_total', { outcome: 'failed', reason: 'permanent' }),
        exhausted: read('items_total', { outcome: 'failed', reason: 'exhausted' }),
        quarantined: read('items_total', { outcome: 'quarantined' }),
        storedAttempts: read('attempts_total', { ending: 'stored' }),
        transientAttempts: read('attempts_total', { ending: 'transient' }),
        retries: read('retries_total'),
        seconds: read('item_seconds_count'),
        objects: read('stored_bytes_count'),
        used: read('slots', { state: 'used' }),
        free: read('slots', { state: 'free' }),
        lost: read('leases_total', { result: 'lost' }),
        pauses: read('throttled_pauses_total'),
        rest: read('throttled_rest_seconds'),
        info: read('info', { run: pod.run.assignment.run, task: 'command' }),
      },
      {
        stored: 3,
        permanent: 1,
        exhausted: 1,
        quarantined: 0,
        storedAttempts: 3,
        transientAttempts: 3,
        retries: 2,
        seconds: 5,
        objects: 3,
        used: 1,
        free: 2,
        lost: 0,
        pauses: 0,
        rest: 0,
        info: 1,
      },
    );

    const elsewhere = await fetch(new URL('/', url));
    assert.deepEqual(
      [elsewhere.status, await elsewhere.text()],
      [404, 'metrics are at /metrics\n'],
    );
    assert.equal((await fetch(url, { method: 'POST' })).status, 404);
    downloader.child.kill('SIGTERM');
    await downloader.ended;
  });

  it('are as many for a long list as for a short one', async () => {
    const pod = await createPod(world, 'true', { concurrency: 20 });
    const downloader = pod.start(anyPort);
    const url = await addressOf(downloader);
    const atFirst = await readMetrics(url);
    await pod.run.publish(Array.from({ length: 200 }, (_, place) => ({ key: `k${place}` })));
    await pod.run.outcomes(200);
    const afterwards = await readMetrics(url);
    assert.equal(afterwards.length, atFirst.length);
    assert.ok(atFirst.length < 100, `${atFirst.length} series`);
    downloader.child.kill('SIGTERM');
    await downloader.ended;
  });

  it('are told nowhere unless asked for', async () => {
    const pod = await createPod(world, 'true');
    const downloader = pod.start({ SPOTLOOP_METRICS_ADDRESS: '' });
    await pod.isReady();
    assert.ok(!linesOf(downloader).some(({ message }) => message.startsWith('metrics')));
    downloader.child.kill('SIGTERM');
    await downloader.ended;
  });

  it('are done without where another process has the port', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const pod = await createPod(world, 'true');
      const downloader = pod.start({ SPOTLOOP_METRICS_ADDRESS: `127.0.0.1:${port}` });
      await pod.run.publish([{ key: 'a' }]);
      assert.equal((await pod.run.outcomes(1))[0]?.kind, 'stored');
      const warning = linesOf(downloader).find(({ severity }) => severity === 'WARNING');
      assert.match(String(warning?.message), /^metrics are not told: another process has the port/);
      downloader.child.kill('SIGTERM');
      await downloader.ended;
    } finally {
      other.close();
    }
  });

  const wrong = {
    'localhost:9464': /SPOTLOOP_METRICS_ADDRESS: is "localhost:9464", which is not an IP address/,
    '127.0.0.1': /SPOTLOOP_METRICS_ADDRESS: is "127.0.0.1", which is not an IP address with a port/,
    '127.0.0.1:70000': /SPOTLOOP_METRICS_ADDRESS: is "127.0.0.1:70000"/,
    // Of documentation: nobody has it (RFC 5737).
    '192.0.2.1:9464': /listen for metrics on 192.0.2.1:9464: .*EADDRNOTAVAIL.* — set SPOTLOOP_/,
  };
  for (const [address, message] of Object.entries(wrong)) {
    it(`are refused at ${address}`, async () => {
      const pod = await createPod(world, 'true');
      const downloader = pod.start({ SPOTLOOP_METRICS_ADDRESS: address });
      assert.equal((await downloader.ended).code, 64);
      assert.match(String(lastWords(downloader)['message']), message);
    });
  }
});
