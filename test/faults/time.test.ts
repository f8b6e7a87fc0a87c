import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { assertDone, hurry, resultsOf, startRun, untilSettled } from '../support/clip-run.ts';
import { waitUntil } from '../support/run-stack.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';
import { clockFileVariable } from './shift-clock.ts';

/** What takes its time: items longer than leases, leases and outcomes that are lost, clocks that jump. All of it side by side. */

const folder = await mkdtemp(join(tmpdir(), 'spotloop-time-'));
const clockFile = join(folder, 'clock');
const clockModule = new URL('shift-clock.ts', import.meta.url);

let world: FaultStack;
before(async () => {
  world = await startFaultStack({
    scripts: {
      // The first who does it waits until he is killed.
      waits: `if mkdir '${folder}'/"$SPOTLOOP_KEY" 2> /dev/null
        then echo $$ > '${folder}'/"$SPOTLOOP_KEY"/pid; exec sleep 600
        else printf %s "$SPOTLOOP_KEY" > "$SPOTLOOP_OUTPUT"
      fi`,
    },
    env: { [clockFileVariable]: clockFile, NODE_OPTIONS: `--import=${clockModule.href}` },
  });
});
after(async () => {
  await world.stop();
  await rm(folder, { recursive: true });
});

/** The lease deadline of all runs here, Pub/Sub's shortest. */
const leaseMs = 10_000;
const longItemSeconds = 300;
const hourMs = 3_600_000;

describe('a run over time', { concurrency: true, timeout: 450_000 }, () => {
  // The runner's own limit for a test is five minutes.
  const minutes = { timeout: 420_000 };
  it(
    'gets an item of five minutes delivered once and acks it once, with leases of ten seconds',
    minutes,
    async () => {
      const run = await startRun(
        world,
        'long',
        { count: 1, seconds: longItemSeconds },
        { workers: 1, concurrency: 1, itemTimeout: '10m' },
      );
      const resource = new RegExp(`${run.name}-(items|suspects)$`);
      const [key] = run.keys;
      const deliveries = world.queueProxy.count({ method: 'Pull', resource }, `"key":"${key}"`);
      const acks = world.queueProxy.count({ method: 'Acknowledge', resource });
      const renewals = world.queueProxy.count({ method: 'ModifyAckDeadline', resource });
      const { runFolder } = await assertDone(world, run);
      assert.deepEqual([deliveries(), acks()], [1, 1]);
      assert.deepEqual(await world.asked(run.keys), [1]);
      assert.ok(renewals() >= longItemSeconds / (leaseMs / 1000), `${renewals()} renewals`);
      const [result] = await resultsOf(world, runFolder);
      assert.equal(result?.attempts, 1);
      assert.ok((result.seconds ?? 0) >= longItemSeconds);
    },
  );

  it('kills an item at once when its lease is lost', async () => {
    const run = await startRun(
      world,
      'lease',
      { count: 1 },
      {
        task: { kind: 'command', name: 'waits', extension: 'mp4' },
        workers: 1,
        concurrency: 1,
        maxItemSize: '1MB',
      },
    );
    const pidFile = join(folder, run.keys[0]!, 'pid');
    await waitUntil(async () => existsSync(pidFile) && (await readFile(pidFile, 'utf8')) !== '');
    const pid = Number(await readFile(pidFile, 'utf8'));
    const resource = new RegExp(`${run.name}-items$`);
    const { reached, end } = world.queueProxy.inject(
      { method: 'ModifyAckDeadline', resource },
      'refuse',
    );
    await reached;
    // The last renewal that was confirmed began at most a third of a deadline before.
    const refusedMs = performance.now();
    while (existsSync(`/proc/${pid}/cwd/.`)) await sleep(50);
    const aliveMs = performance.now() - refusedMs;
    end();
    assert.ok(aliveMs > leaseMs / 2, `killed after ${aliveMs} ms, while its lease may be kept`);
    assert.ok(aliveMs < leaseMs + 2_000, `killed after ${aliveMs} ms`);
    const { stored, runFolder } = await run.handle.result();
    assert.equal(stored, 1);
    assert.deepEqual((await world.audit(runFolder)).problems, []);
  });

  it('brings an item back whose outcome was lost, and finds it stored', async () => {
    const run = await startRun(world, 'outcome', { count: 12, seconds: 1 }, { workers: 2 });
    const choice = {
      method: 'Publish',
      resource: new RegExp(`${run.name}-outcomes$`),
      body: /"kind":"stored"/,
    };
    const lost = world.queueProxy.inject(choice, 'swallow');
    await lost.reached;
    lost.end();
    const { runFolder } = await assertDone(world, run);
    assert.ok(lost.hits() >= 1);
    assert.deepEqual(
      await world.fetched(run.keys),
      run.keys.map(() => 1),
    );
    const attempts = (await resultsOf(world, runFolder)).map((line) => line.attempts);
    assert.ok(Math.max(...attempts) <= 1);
  });

  it('does not mind that the clock of its downloaders is set by an hour, forward and back', async () => {
    const run = await startRun(
      world,
      'clock',
      { count: 60, seconds: 8 },
      { workers: 2, concurrency: 4 },
    );
    const clocks = [hourMs, -hourMs, 0];
    for (const [n, offsetMs] of clocks.entries()) {
      await untilSettled(run, 8 * (n + 1));
      await writeFile(clockFile, String(offsetMs));
    }
    await untilSettled(run, 40);
    await hurry(world, run);
    const { runFolder } = await assertDone(world, run);
    // No lease was lost, no item given up: each was downloaded once, at the first attempt.
    assert.deepEqual(
      await world.fetched(run.keys),
      run.keys.map(() => 1),
    );
    const results = await resultsOf(world, runFolder);
    assert.ok(results.every(({ attempts }) => attempts === 1));
    // It did think so: an hour lies between what they said of when they were done.
    const times = results.map(({ at }) => Date.parse(at ?? ''));
    assert.ok(Math.max(...times) - Math.min(...times) > 1.5 * hourMs);
  });
});
