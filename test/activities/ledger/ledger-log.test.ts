import { deepEqual, equal, rejects } from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createCheckpoint } from '../../../activities/ledger/ledger-checkpoint.ts';
import { createPart, readParts } from '../../../activities/ledger/ledger-log.ts';
import type { LedgerPart } from '../../../activities/ledger/ledger-log.ts';
import { LedgerState } from '../../../activities/ledger/ledger-state.ts';
import { loadLedger } from '../../../activities/ledger/load-ledger.ts';
import { runFolder } from '../../../domain/names.ts';
import { closeWorld, newRun, openWorld } from '../world.ts';
import type { World } from '../world.ts';
import { failed, stored } from './arbitrary-outcomes.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

const writer = { id: 'one', scheduledAtMs: 1 };
const other = { id: 'two', scheduledAtMs: 2 };

function newLedger() {
  const bucket = world.google.storage.bucket(world.stack.bucket);
  return { bucket, run: newRun(bucket.name).name };
}

async function allOf(parts: AsyncIterable<LedgerPart>): Promise<LedgerPart[]> {
  const all: LedgerPart[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

test('a part is created once: who comes second learns who was first', async () => {
  const { bucket, run } = newLedger();
  const first = await createPart(bucket, { run, part: 0, writer }, [stored(0)]);
  const second = await createPart(bucket, { run, part: 0, writer: other }, [failed(0)]);
  deepEqual(first, { kind: 'created' });
  deepEqual(second, { kind: 'taken', by: writer });
  deepEqual(await allOf(readParts(bucket, run)), [{ part: 0, outcomes: [stored(0)] }]);
});

test('a repeated request that meets its own success is a success', async () => {
  const { bucket, run } = newLedger();
  await createPart(bucket, { run, part: 0, writer }, [stored(0)]);
  deepEqual(await createPart(bucket, { run, part: 0, writer }, [stored(0)]), { kind: 'created' });
});

test('parts are read in order, however many, and from any of them on', async () => {
  const { bucket, run } = newLedger();
  for (let part = 0; part < 21; part += 1) {
    await createPart(bucket, { run, part, writer }, [stored(part)]);
  }
  const numbers = async (firstPart?: number) =>
    (await allOf(readParts(bucket, run, firstPart))).map(({ part, outcomes }) => {
      equal(outcomes[0]?.index, part);
      return part;
    });
  deepEqual(await numbers(), [...Array(21).keys()]);
  deepEqual(await numbers(19), [19, 20]);
  deepEqual(await numbers(21), []);
});

test('names the part that is missing', async () => {
  const { bucket, run } = newLedger();
  for (const part of [0, 2]) await createPart(bucket, { run, part, writer }, [stored(part)]);
  await rejects(allOf(readParts(bucket, run)), /part 1 is missing though part 2 exists/);
});

test('names the part that is damaged', async () => {
  const { bucket, run } = newLedger();
  await bucket.file(runFolder(run).ledgerPart(0)).save('no gzip', { resumable: false });
  await rejects(allOf(readParts(bucket, run)), /part-00000000\.jsonl\.gz: /);
});

test('a restart reads the newest checkpoint and only the parts after it', async () => {
  const { bucket, run } = newLedger();
  const snapshot = { total: 10, published: 8, duplicates: 0, blankLines: 0 };
  const state = LedgerState.empty(snapshot);
  const parts = [[failed(0)], [stored(0), failed(1)], [stored(2)], [failed(3)], [stored(1)]];
  for (const [part, outcomes] of parts.entries()) {
    await createPart(bucket, { run, part, writer }, outcomes);
    state.applyPart(outcomes);
    if (part === 1 || part === 3) await createCheckpoint(bucket, run, state);
  }
  await bucket.file(runFolder(run).ledgerPart(2)).delete();
  const loaded = await loadLedger(bucket, run, snapshot);
  deepEqual(loaded.totals, state.totals);
  deepEqual(loaded.codes, state.codes);
  equal(loaded.nextPart, 5);
});

test('refuses a checkpoint of another list', async () => {
  const { bucket, run } = newLedger();
  const snapshot = { total: 10, published: 8, duplicates: 0, blankLines: 0 };
  const state = LedgerState.empty(snapshot);
  state.applyPart([stored(0)]);
  await createCheckpoint(bucket, run, state);
  await rejects(loadLedger(bucket, run, { ...snapshot, published: 9 }), /8 items, the run has 9/);
});
