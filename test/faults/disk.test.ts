import assert from 'node:assert/strict';
import { readFile, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startProcess } from '../../infra/local/process.ts';
import type { RunningProcess } from '../../infra/local/process.ts';
import { assertNothingLeft, resultsOf, startRun } from '../support/clip-run.ts';
import { waitUntil } from '../support/run-stack.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';

/** A disk that is full: downloaders stage their files on one of a few MB. */

const diskBytes = 6_000_000;
/** What a program writes. */
const fileBytes = 1_000_000;

let world: FaultStack;
let worker: RunningProcess;
/** The staging folder of its downloaders, as we reach it. */
let disk: string;
before(async () => {
  world = await startFaultStack({
    withWorker: false,
    scripts: { writes: `head -c ${fileBytes} /dev/zero > "$SPOTLOOP_OUTPUT"` },
    // Of an attempt that failed only this tells before the end.
    env: { SPOTLOOP_LOG_LEVEL: 'debug' },
  });
  worker = await startWorkerOnSmallDisk();
  disk = `/proc/${worker.pid}/root${world.stack.env['SPOTLOOP_STAGING_FOLDER']}`;
});
after(async () => {
  await worker?.stop();
  await world.stop();
});

/**
 * A Temporal worker that, with all its downloaders, has a small file system mounted on its staging folder, which nobody else
 * sees: so it takes no root.
 */
async function startWorkerOnSmallDisk(): Promise<RunningProcess> {
  const script = `mount -t tmpfs -o size=${diskBytes} spotloop "$SPOTLOOP_STAGING_FOLDER" && exec "$@"`;
  const main = fileURLToPath(new URL('../../workers/temporal/main.ts', import.meta.url));
  const inShell = ['sh', '-c', script, 'sh', process.execPath, main];
  const { env, logFolder } = world.stack;
  return await startProcess({
    name: 'a Temporal worker on a small disk',
    command: 'unshare',
    args: ['--user', '--map-root-user', '--mount', ...inShell],
    env,
    logFile: join(logFolder, 'temporal-worker.log'),
    ready: { kind: 'line', test: (line) => line.includes('"polling"') },
    graceMs: 30_000,
  }).catch((cause: unknown) => {
    throw new Error(
      'start a Temporal worker on a small disk: unshare is refused — this test needs Linux that allows everybody user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0)',
      { cause },
    );
  });
}

/** Fills the disk but for less than an item needs. */
async function fillDisk(): Promise<() => Promise<void>> {
  const filler = join(disk, 'filler');
  await writeFile(filler, Buffer.alloc(diskBytes - fileBytes / 2));
  return () => rm(filler);
}

async function assertDiskEmpty(): Promise<void> {
  assert.deepEqual(await readdir(disk, { recursive: true }), []);
  // Nor does anybody keep a file that he removed.
  const { bfree, blocks } = await statfs(disk);
  assert.ok(bfree >= blocks - 1, `${blocks - bfree} blocks are in use`);
}

const task = { kind: 'command', name: 'writes', extension: 'bin' } as const;
const spec = { task, workers: 1, concurrency: 2, maxItemSize: '1MB' } as const;

describe('a run whose disk is full', { concurrency: 1, timeout: 120_000 }, () => {
  it('fails its items as exhausted, and leaves nothing on the disk', async () => {
    // It was not when the run was checked.
    const choice = { method: 'POST', url: /snapshot%2Fmanifest/, times: 1 } as const;
    const { promise: isFull, resolve } = Promise.withResolvers<void>();
    const { hits } = world.storageProxy.inject(choice, { kind: 'late', until: isFull });
    const run = await startRun(world, 'full', { count: 4 }, { ...spec, attempts: 2 });
    await waitUntil(async () => hits() === 1);
    const makeRoom = await fillDisk();
    resolve();
    const result = await run.handle.result();
    assert.deepEqual([result.stored, result.failed], [0, 4]);
    for (const line of await resultsOf(world, result.runFolder)) {
      assert.deepEqual([line.reason, line.attempts], ['exhausted', 2]);
      assert.match(line.error ?? '', /No space left on device/);
    }
    assert.deepEqual(await world.objects(run.prefix), []);
    assert.deepEqual((await world.audit(result.runFolder)).problems, []);
    await assertNothingLeft(world, run);
    await makeRoom();
    await assertDiskEmpty();
  });

  it('stores its items once there is room', async () => {
    const choice = { method: 'POST', url: /snapshot%2Fmanifest/, times: 1 } as const;
    const { promise: isFull, resolve } = Promise.withResolvers<void>();
    const { hits } = world.storageProxy.inject(choice, { kind: 'late', until: isFull });
    const run = await startRun(world, 'full', { count: 4 }, { ...spec, attempts: 20 });
    await waitUntil(async () => hits() === 1);
    const makeRoom = await fillDisk();
    resolve();
    const logs = join(world.stack.logFolder, run.name);
    await waitUntil(async () => {
      const names = await readdir(logs).catch(() => []);
      const texts = await Promise.all(names.map((name) => readFile(join(logs, name), 'utf8')));
      return texts.join('').includes('No space left');
    });
    await makeRoom();
    const result = await run.handle.result();
    assert.equal(result.stored, 4);
    for (const key of run.keys) {
      const { size } = await stat(join(world.stack.bucketFolder, run.prefix, `${key}.bin`));
      assert.equal(size, fileBytes);
    }
    assert.deepEqual((await world.audit(result.runFolder)).problems, []);
    await assertNothingLeft(world, run);
    await assertDiskEmpty();
  });
});
