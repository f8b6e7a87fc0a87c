import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertDone, startRun } from '../support/clip-run.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';
import type { StorageFault } from './storage-proxy.ts';

/** Cloud Storage as it may be, while items are stored. */

let world: FaultStack;
before(async () => {
  world = await startFaultStack();
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

const describeFault = (fault: StorageFault): string =>
  fault.kind === 'status' ? `answers ${fault.status}` : `is to ${fault.kind}`;

describe('a run whose storage fails', { concurrency: true, timeout: 280_000 }, () => {
  for (const fault of faults) {
    it(`stores each item once though an upload ${describeFault(fault)}`, async () => {
      const run = await startRun(world, 'upload', { count: 8 }, { workers: 1, concurrency: 4 });
      // The name of an object is in the address of its upload.
      const url = new RegExp(`^/upload/.*${run.prefix}`);
      const hits = world.storageProxy.inject({ method: 'POST', url, times }, fault);
      await assertDone(world, run);
      assert.equal(hits(), times);
    });
  }
});
