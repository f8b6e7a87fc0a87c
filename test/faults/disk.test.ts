import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { assertNothingLeft, resultsOf, startRun } from '../support/clip-run.ts';
import { waitUntil } from '../support/run-stack.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';

/** A disk that is full: downloaders stage their files on one of a few MB. */

const diskBytes = 6_000_000;
/** What a program writes. */
const fileBytes = 1_000_000;

let world: FaultStack;
let disk: { readonly folder: string; readonly holder: ChildProcess };
before(async () => {
  disk = await makeDisk();
  world = await startFaultStack({
    scripts: { writes: `head -c ${fileBytes} /dev/zero > "$SPOTLOOP_OUTPUT"` },
    env: {
      SPOTLOOP_STAGING_FOLDER: join(disk.folder, 'staging'),
      // Of an attempt that failed only this tells before the end.
      SPOTLOOP_LOG_LEVEL: 'debug',
    },
  });
});
after(async () => {
  await world.stop();
  disk.holder.kill();
});

/**
 * A file system of its own, without root: a process mounts it where only it sees it, and everybody else who belongs to the
 * same user reaches it through that process.
 */
async function makeDisk(): Promise<typeof disk> {
  const script = `mount -t tmpfs -o size=${diskBytes} spotloop /mnt && echo mounted && exec sleep infinity`;
  const holder = spawn('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = await Promise.race([
    once(holder.stdout, 'data').then(String),
    once(holder, 'exit').then(async () => String((await holder.stderr?.toArray()) ?? '')),
    once(holder, 'error').then(String),
  ]);
  assert.match(
    said,
    /^mounted/,
    `make a small disk with unshare: ${said} — this test needs Linux with user namespaces for everybody (sysctl kernel.apparmor_restrict_unprivileged_userns=0)`,
  );
  return { folder: `/proc/${holder.pid}/root/mnt`, holder };
}

/** Fills the disk but for less than an item needs. */
async function fillDisk(): Promise<() => Promise<void>> {
  const filler = join(disk.folder, 'filler');
  await writeFile(filler, Buffer.alloc(diskBytes - fileBytes / 2));
  return () => rm(filler);
}

async function freeBytes(): Promise<number> {
  const { bavail, bsize } = await statfs(disk.folder);
  return bavail * bsize;
}

const task = { kind: 'command', name: 'writes', extension: 'bin' } as const;
const spec = { task, workers: 1, concurrency: 2, maxItemSize: '1MB' } as const;

describe('a run whose disk is full', { concurrency: 1, timeout: 120_000 }, () => {
  it('fails its items as exhausted, and leaves nothing on the disk', async () => {
    // It was not when the run was checked.
    const choice = { method: 'POST', url: /snapshot%2Fmanifest/, times: 1 } as const;
    const { promise: isFull, resolve } = Promise.withResolvers<void>();
    const hits = world.storageProxy.inject(choice, { kind: 'late', until: isFull });
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
    assert.ok((await freeBytes()) > diskBytes - fileBytes, 'somebody keeps room on the disk');
  });

  it('stores its items once there is room', async () => {
    const choice = { method: 'POST', url: /snapshot%2Fmanifest/, times: 1 } as const;
    const { promise: isFull, resolve } = Promise.withResolvers<void>();
    const hits = world.storageProxy.inject(choice, { kind: 'late', until: isFull });
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
  });
});
