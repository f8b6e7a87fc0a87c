import { deepEqual, match, rejects } from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createCheckpoint } from '../../../activities/ledger/ledger-checkpoint.ts';
import { createPart } from '../../../activities/ledger/ledger-log.ts';
import { LedgerState } from '../../../activities/ledger/ledger-state.ts';
import { loadLedger } from '../../../activities/ledger/load-ledger.ts';
import { runFolder } from '../../../domain/names.ts';
import { damage, harms } from '../../support/foreign.ts';
import { fuzz } from '../../support/fuzz.ts';
import { closeWorld, newRun, openWorld } from '../world.ts';
import type { World } from '../world.ts';
import { outcomeOf } from './arbitrary-outcomes.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

const items = 6;
const snapshot = { total: items + 1, published: items, duplicates: 0, blankLines: 0 };
const writer = { id: 'one', scheduledAtMs: 1 };
const checkpointAfter = 1;

test('a ledger of which one object is damaged is refused by its name, or says what it said before', async () => {
  const bucket = world.google.storage.bucket(world.stack.bucket);
  const part = fc.array(outcomeOf(items), { minLength: 1, maxLength: 6 });
  const parts = fc.array(part, { minLength: 2, maxLength: 4 });
  await fuzz(
    fc.asyncProperty(parts, fc.nat(), harms, async (given, which, befallen) => {
      const { name: run } = newRun(bucket.name);
      const state = LedgerState.empty(snapshot);
      for (const [number, outcomes] of given.entries()) {
        await createPart(bucket, { run, part: number, writer }, outcomes);
        state.applyPart(outcomes);
        if (number === checkpointAfter) await createCheckpoint(bucket, run, state);
      }
      const [files] = await bucket.getFiles({ prefix: runFolder(run).ledger });
      const file = files[which % files.length]!;
      const [right] = await file.download({ decompress: false });
      await file.save(damage(right, befallen), {
        resumable: false,
      });
      const loaded = await loadLedger(bucket, run, snapshot).catch(
        (error: unknown) => error as Error,
      );
      if (loaded instanceof Error) {
        match(loaded.message, /^read ledger (part|checkpoint) gs:\/\/\S+\.gz: .+$/);
        match(loaded.message, new RegExp(`/${file.name.split('/').at(-1)}: `));
      } else {
        deepEqual(
          [loaded.totals, loaded.codes, loaded.nextPart],
          [state.totals, state.codes, state.nextPart],
        );
      }
    }),
    0.3,
  );
});

test('a checkpoint under the name of another is refused, for parts would be left out or counted twice', async () => {
  const bucket = world.google.storage.bucket(world.stack.bucket);
  const { name: run } = newRun(bucket.name);
  const { ledgerCheckpoint } = runFolder(run);
  const state = LedgerState.empty(snapshot);
  state.applyPart([]);
  await createCheckpoint(bucket, run, state);
  await bucket.file(ledgerCheckpoint(0)).copy(bucket.file(ledgerCheckpoint(7)));
  await rejects(
    loadLedger(bucket, run, snapshot),
    /checkpoint-00000007\.gz: it is of the parts before 1 — delete it/,
  );
});

test('a checkpoint that accounts for more items than the run has is refused', async () => {
  const bucket = world.google.storage.bucket(world.stack.bucket);
  const { name: run } = newRun(bucket.name);
  const state = LedgerState.empty({ ...snapshot, total: snapshot.total + 1 });
  state.applyPart([]);
  await createCheckpoint(bucket, run, state);
  await rejects(loadLedger(bucket, run, snapshot), /it accounts for 8 items, the run has 7/);
});
