import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { assertDone, assertNothingLeft, startRun } from '../support/clip-run.ts';
import type { ClipRun } from '../support/clip-run.ts';
import { uniqueName } from '../support/unique-name.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';
import type { StorageFault } from './storage-proxy.ts';

/** Cloud Storage as it may be, while items are stored. */

/** Of four parts, where a downloader has so many slots. */
const largeBytes = 1_000_000;
const manySlots = 128;

let world: FaultStack;
before(async () => {
  world = await startFaultStack({
    scripts: { large: `head -c ${largeBytes} /dev/zero > "$SPOTLOOP_OUTPUT"` },
  });
});
after(() => world.stop());

/** So many uploads fail in a row: more than one item's attempts would bear, were they its fault alone. */
const times = 4;

const faults: readonly StorageFault[] = [
  { kind: 'status', status: 429 },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 503 },
  { kind: 'hang' },
  { kind: 'cut', afterBytes: 1_000 },
  { kind: 'lose-answer' },
];

/** Uploads of a run's items, by the name of the object in their address: not those of its preflight, snapshot and ledger. */
const itemsOf = ({ prefix }: ClipRun): RegExp =>
  new RegExp(`^/upload/.*${prefix}(/|%2F)${prefix}-\\d`);

const describeFault = (fault: StorageFault): string =>
  fault.kind === 'status' ? `answers ${fault.status}` : `is to ${fault.kind}`;

describe('a run whose storage fails', { concurrency: true, timeout: 280_000 }, () => {
  for (const fault of faults) {
    it(`stores each item once though an upload ${describeFault(fault)}`, async () => {
      const run = await startRun(world, 'upload', { count: 8 }, { workers: 1, concurrency: 4 });
      const url = itemsOf(run);
      const { hits } = world.storageProxy.inject({ method: 'POST', url, times }, fault);
      await assertDone(world, run);
      assert.equal(hits(), times);
    });
  }

  for (const [step, upload] of [
    ['tries whether it may write', '(!|%21)preflight-'],
    ['copies its list', 'snapshot%2F.*new%2F'],
    ['closes its snapshot', 'snapshot%2Fmanifest'],
    ['writes its ledger', 'ledger%2Fpart-'],
    ['lists its results', 'results.jsonl'],
    ['reports', 'report.json'],
  ] as const) {
    it(`goes on though it is never answered as it ${step}`, async () => {
      const prefix = uniqueName('hang');
      const url = new RegExp(`${upload}.*${prefix}|${prefix}.*${upload}`);
      const choice = { method: 'POST', url, times: 1 } as const;
      const { hits } = world.storageProxy.inject(choice, { kind: 'hang' });
      const run = await startRun(world, 'hang', { count: 4, prefix });
      await assertDone(world, run);
      assert.equal(hits(), 1);
    });
  }

  for (const fault of [{ kind: 'hang' }, { kind: 'cut', afterBytes: 1_000 }] as const) {
    it(`stores a large item though one of its parts ${describeFault(fault)}`, async () => {
      const run = await startRun(
        world,
        'part',
        { count: 2 },
        {
          task: { kind: 'command', name: 'large', extension: 'bin' },
          concurrency: manySlots,
          maxItemSize: '2MB',
        },
      );
      const url = itemsOf(run);
      const { hits } = world.storageProxy.inject({ method: 'PUT', url, times: 1 }, fault);
      const result = await run.handle.result();
      assert.deepEqual([result.stored, hits()], [2, 1]);
      for (const key of run.keys) {
        const { size } = await stat(join(world.stack.bucketFolder, run.prefix, `${key}.bin`));
        assert.equal(size, largeBytes);
      }
      assert.deepEqual((await world.audit(result.runFolder)).problems, []);
      await assertNothingLeft(world, run);
    });
  }
});
