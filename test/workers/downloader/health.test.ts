import assert from 'node:assert/strict';
import {
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { openHealth, touchIntervalMs } from '../../../workers/downloader/health.ts';
import type { Health } from '../../../workers/downloader/health.ts';
import { MisconfiguredError } from '../../../workers/process/environment.ts';
import type { Log } from '../../../workers/process/log.ts';

let folder: string;
let health: Health | undefined;
let warnings: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotloop-health-'));
  warnings = [];
  mock.timers.enable({ apis: ['setInterval'] });
});
afterEach(async () => {
  health?.close();
  mock.timers.reset();
  await rm(folder, { recursive: true, force: true });
});

function open(): Health {
  const warn = (fields: unknown, message: string): unknown =>
    warnings.push(`${message}: ${JSON.stringify(fields)}`);
  health = openHealth({ folder, name: 'pod-a', log: { warn } as unknown as Log });
  return health;
}

const ageMs = (name: string): number => Date.now() - statSync(join(folder, name)).mtimeMs;

function makeOld(name: string): void {
  const anHourAgo = Date.now() / 1000 - 3_600;
  utimesSync(join(folder, name), anHourAgo, anHourAgo);
}

describe('health', () => {
  it('is ready from the first answered pull until it begins to leave, and never again', () => {
    writeFileSync(join(folder, 'ready'), 'a predecessor');
    const told = open();
    assert.deepEqual(readdirSync(folder), ['alive']);
    told.isPulling();
    assert.equal(readFileSync(join(folder, 'ready'), 'utf8'), 'pod-a\n');
    told.isLeaving();
    told.isPulling();
    assert.deepEqual(readdirSync(folder), ['alive']);
    told.close();
    assert.deepEqual(readdirSync(folder), []);
  });

  it('is alive as long as the event loop turns', () => {
    writeFileSync(join(folder, 'alive'), 'a predecessor');
    makeOld('alive');
    open();
    assert.ok(ageMs('alive') < 5_000);
    makeOld('alive');
    mock.timers.tick(touchIntervalMs - 1);
    assert.ok(ageMs('alive') > 60_000, 'nothing but the timer touches it');
    mock.timers.tick(1);
    assert.ok(ageMs('alive') < 5_000);
    rmSync(join(folder, 'alive'));
    mock.timers.tick(touchIntervalMs);
    assert.ok(ageMs('alive') < 5_000, 'it comes back');
  });

  it('says once that it can be told no more, and goes on', () => {
    const told = open();
    rmSync(folder, { recursive: true });
    mock.timers.tick(touchIntervalMs);
    mock.timers.tick(touchIntervalMs);
    told.isPulling();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /^health is not told: .*ENOENT/);
  });

  it('is no configuration error where the disk is full', () => {
    // Writing there fails as on a full disk.
    symlinkSync('/dev/full', join(folder, 'alive'));
    assert.throws(open, (error: Error) => {
      assert.ok(!(error instanceof MisconfiguredError));
      assert.match(error.message, /^health folder .*ENOSPC/);
      return true;
    });
  });

  it('is a configuration error where its folder cannot be written', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    folder = join(file, 'inside');
    assert.throws(
      () => open(),
      (error) =>
        error instanceof MisconfiguredError &&
        /^health folder .*ENOTDIR.* — set SPOTLOOP_HEALTH_FOLDER/.test(error.message),
    );
    folder = file;
  });
});
