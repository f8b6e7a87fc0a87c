import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, statSync, watch } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createPod } from './pod.ts';
import { createWorld, eventually, lastWords } from './world.ts';
import type { World } from './world.ts';

/** How a downloader ends, as its pod shows it: exit code, termination message, health files, and what it leaves. */
const execute = promisify(execFile);
let world: World;
const servers: Server[] = [];
before(async () => {
  world = await createWorld();
});
after(async () => {
  for (const server of servers) server.close();
  await world.stop();
});

/** kubernetes.io/docs/concepts/overview/working-with-objects/names#dns-subdomain-names */
const longestPodName = 253;

/** A busy machine sees an end later than it was. */
const latenessMs = 1_500;

/** A server that takes connections and says nothing; `connected` resolves with the first. */
async function silentServer() {
  const { promise: connected, resolve } = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    resolve();
  });
  return { connected, address: await listening(server) };
}

/** A way to the emulator that can fall silent. */
async function fragileWay() {
  const [host, port] = world.stack.pubsubHost.split(':');
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const socket of [near, far]) socket.on('error', () => {});
    near.pipe(far).pipe(near);
    sockets.push(near, far);
  });
  return {
    address: await listening(server),
    fallSilent() {
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}

async function listening(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Runs `code` in the downloader's process as soon as `ready` is there. */
function sabotage(health: string, code: string): Record<string, string> {
  const script = `
    import { existsSync } from 'node:fs';
    const timer = setInterval(() => {
      if (!existsSync(${JSON.stringify(join(health, 'ready'))})) return;
      clearInterval(timer);
      ${code}
    }, 20);
    timer.unref();`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}

describe('a downloader that ends', { concurrency: 4 }, () => {
  it('with nothing to do exits 0 and says so', async () => {
    const pod = await createPod(world, 'true', { idleExitMs: 1_000 });
    const inode = statSync(pod.messageFile).ino;
    assert.equal((await pod.start().ended).code, 0);
    assert.equal(await pod.message(), 'idle: nothing to do for 1s');
    assert.equal(statSync(pod.messageFile).ino, inode, 'written in place: it is a mount');
    await pod.assertNothingIsLeft();
  });

  it('has told all along, in beats and logs, the whole name of its pod', async () => {
    const name = `pod-${'x'.repeat(longestPodName - 4)}`;
    const pod = await createPod(world, 'true', { idleExitMs: 500 });
    const downloader = pod.start({ SPOTLOOP_DOWNLOADER: name });
    assert.equal((await pod.run.beat(({ state }) => state === 'leaving')).downloader, name);
    assert.equal((await downloader.ended).code, 0);
    const lines = downloader.stdout().trimEnd().split('\n');
    assert.ok(
      lines.every((line) => (JSON.parse(line) as { downloader: string }).downloader === name),
    );
  });

  it('because its run is over exits 0 and says so', async () => {
    const pod = await createPod(world, 'true', { idleExitMs: 4_000 });
    const downloader = pod.start();
    await pod.isReady();
    await pod.run.deleteQueue();
    assert.equal((await downloader.ended).code, 0);
    assert.equal(await pod.message(), 'the run is over: its queue was not there for 4s');
    await pod.assertNothingIsLeft();
  });

  it('misconfigured exits 64 and says the line of standard error, be it of the environment itself', async () => {
    const pod = await createPod(world, 'true');
    const wrongs: Record<string, string>[] = [
      { SPOTLOOP_GRACE_SECONDS: 'soon' },
      { SPOTLOOP_COMMANDS_FILE: '/nowhere' },
    ];
    for (const wrong of wrongs) {
      const downloader = pod.start(wrong);
      assert.equal((await downloader.ended).code, 64);
      const { severity, exitCode, message } = lastWords(downloader);
      assert.deepEqual([severity, exitCode, message], ['ERROR', 64, await pod.message()]);
    }
    await pod.assertNothingIsLeft();
  });

  it('by an error that nobody expected exits 1, says it, and ends its programs', async () => {
    const crashes = {
      'an exception': "throw new Error('cosmic\\nray');",
      'a rejection': "void Promise.reject(new Error('cosmic\\nray'));",
    };
    for (const [what, code] of Object.entries(crashes)) {
      const pids = await mkdtemp(join(world.stack.folder, 'pids-'));
      const pod = await createPod(world, `echo $$ > '${pids}'/"$SPOTLOOP_KEY"; exec sleep 120`);
      await pod.run.publish([{ key: 'a' }]);
      const crash = `const wait = setInterval(() => {
        if (!existsSync(${JSON.stringify(join(pids, 'a'))})) return;
        clearInterval(wait);
        ${code}
      }, 50);`;
      const downloader = pod.start(sabotage(pod.health, crash));
      assert.equal((await downloader.ended).code, 1, what);
      assert.equal(await pod.message(), 'crashed: cosmic ray', what);
      const { severity, message, error } = lastWords(downloader);
      assert.deepEqual([severity, message], ['ERROR', 'crashed: cosmic ray']);
      assert.match(JSON.stringify(error), /"stack":"Error: cosmic/);
      const pid = (await readFile(join(pids, 'a'), 'utf8')).trim();
      await eventually('its program is gone', () => !existsSync(`/proc/${pid}/cwd/.`));
    }
  });

  it('exits as it would where the message cannot be written', async () => {
    const pod = await createPod(world, 'true', { idleExitMs: 500 });
    const downloader = pod.start({ SPOTLOOP_TERMINATION_MESSAGE_FILE: '/nowhere/log' });
    assert.equal((await downloader.ended).code, 0);
    const { severity, message } = lastWords(downloader);
    assert.equal(severity, 'WARNING');
    assert.match(String(message), /^write termination message to \/nowhere\/log: ENOENT/);
  });

  it('at SIGTERM exits 143 and says what became of its items, however often it is told', async () => {
    const pod = await createPod(world, 'case $SPOTLOOP_KEY in quick) sleep 2;; *) sleep 60;; esac');
    await pod.run.publish([{ key: 'quick' }, { key: 'slow1' }, { key: 'slow2' }]);
    const downloader = pod.start({ SPOTLOOP_GRACE_SECONDS: '8' });
    for (const key of ['quick', 'slow1', 'slow2']) await pod.hasStarted(key);
    const termMs = performance.now();
    downloader.child.kill('SIGTERM');
    await eventually('not ready', () => !existsSync(join(pod.health, 'ready')));
    assert.ok(performance.now() - termMs < 2_000, 'not ready from the beginning of leaving');
    downloader.child.kill('SIGTERM');
    downloader.child.kill('SIGINT');
    assert.deepEqual(await downloader.ended, { code: 143, signal: null });
    const tookMs = performance.now() - termMs;
    assert.ok(tookMs < 8_000 + latenessMs, `${tookMs} ms; ${downloader.stdout()}`);
    const line = 'SIGTERM: 1 item settled, 2 released within the grace time';
    assert.equal(await pod.message(), line);
    const { severity, exitCode, message, run } = lastWords(downloader);
    assert.deepEqual([severity, exitCode, message], ['INFO', 143, line]);
    assert.equal(run, pod.run.assignment.run);
    assert.equal((await pod.run.left()).length, 2);
    await pod.assertNothingIsLeft();
  });

  for (const graceSeconds of [2, 3]) {
    it(`releases also within a grace time of ${graceSeconds} s`, async () => {
      const pod = await createPod(world, 'sleep 60');
      await pod.run.publish([{ key: 'a' }, { key: 'b' }]);
      const downloader = pod.start({ SPOTLOOP_GRACE_SECONDS: String(graceSeconds) });
      await pod.hasStarted('a');
      await pod.hasStarted('b');
      downloader.child.kill('SIGTERM');
      const killer = setTimeout(() => downloader.child.kill('SIGKILL'), graceSeconds * 1_000);
      assert.deepEqual(await downloader.ended, { code: 143, signal: null });
      clearTimeout(killer);
      assert.match(await pod.message(), /^SIGTERM: 0 items settled, 2 released/);
      await pod.assertNothingIsLeft();
    });
  }

  it('ends within its grace time when Pub/Sub has fallen silent, and leaves nothing', async () => {
    const pod = await createPod(world, 'sleep 60');
    const way = await fragileWay();
    await pod.run.publish([{ key: 'a' }]);
    const downloader = pod.start({
      PUBSUB_EMULATOR_HOST: way.address,
      SPOTLOOP_GRACE_SECONDS: '6',
    });
    await pod.hasStarted('a');
    way.fallSilent();
    const termMs = performance.now();
    downloader.child.kill('SIGTERM');
    assert.deepEqual(await downloader.ended, { code: 143, signal: null });
    const tookMs = performance.now() - termMs;
    assert.ok(tookMs < 6_000 + latenessMs, `${tookMs} ms`);
    assert.equal(
      await pod.message(),
      'SIGTERM: 0 items settled, 0 released within the grace time; 1 left until their leases end',
    );
    await pod.assertNothingIsLeft();
  });

  it('leaves at once at SIGTERM while its rights are checked', async () => {
    const pod = await createPod(world, 'true');
    const server = await silentServer();
    const downloader = pod.start({ STORAGE_EMULATOR_HOST: `http://${server.address}` });
    await server.connected;
    assert.ok(!existsSync(join(pod.health, 'ready')), 'not ready before its rights are known');
    assert.ok(existsSync(join(pod.health, 'alive')));
    const termMs = performance.now();
    downloader.child.kill('SIGTERM');
    assert.deepEqual(await downloader.ended, { code: 143, signal: null });
    assert.ok(performance.now() - termMs < 5_000, 'long before its grace time of 15 s is over');
    assert.equal(await pod.message(), 'SIGTERM: nothing was in hand');
    await pod.assertNothingIsLeft();
  });

  it('leaves at once at SIGTERM while it removes what a dead predecessor staged', async () => {
    const pod = await createPod(world, 'true');
    const dead = join(pod.run.staging, 'downloader-dead');
    const attempt = join(dead, 'attempt-1');
    await mkdir(attempt, { recursive: true });
    await writeFile(join(dead, 'owner'), '');
    const manyFiles = 40_000;
    await execute('sh', ['-c', `cd "$1" && seq ${manyFiles} | xargs touch`, 'sh', attempt]);
    const ownIsMade = Promise.withResolvers<void>();
    const watcher = watch(pod.run.staging, () => ownIsMade.resolve());
    const downloader = pod.start();
    await ownIsMade.promise;
    watcher.close();
    downloader.child.kill('SIGTERM');
    assert.deepEqual(await downloader.ended, { code: 143, signal: null });
    assert.equal(await pod.message(), 'SIGTERM: nothing was in hand');
    assert.deepEqual(await readdir(pod.run.staging), ['downloader-dead'], 'its own is gone');
    assert.ok(existsSync(join(dead, 'owner')), 'the next one can tell that it is dead');
  });
});
