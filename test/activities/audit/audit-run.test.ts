import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { auditRun } from '../../../activities/audit/audit-run.ts';
import type { Audit } from '../../../activities/audit/audit.ts';
import { runFolder } from '../../../domain/names.ts';
import { failed } from '../ledger/arbitrary-outcomes.ts';
import { closeWorld, openWorld } from '../world.ts';
import type { World } from '../world.ts';
import { beginRun } from './scene.ts';
import type { EndedRun } from './scene.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

const bucketOf = () => world.google.storage.bucket(world.stack.bucket);

function audit({ run }: EndedRun): Promise<Audit> {
  return auditRun({ bucket: bucketOf(), run: run.name });
}

/** A run of three items, two of them stored and one failed, and one that was there before. */
async function soundRun(): Promise<EndedRun> {
  const ended = await beginRun(world, ['a', 'b', 'c'], { present: ['before'] });
  await ended.settle(0, [await ended.store('a', 0), failed(1)]);
  await ended.settle(1, [await ended.store('c', 2)]);
  await ended.report();
  return ended;
}

/** What an audit blames, in short: kind and the first example. */
async function problemsOf(ended: EndedRun): Promise<Record<string, string | undefined>> {
  const { isSound, problems } = await audit(ended);
  assert.equal(isSound, false);
  return Object.fromEntries(problems.map(({ kind, examples }) => [kind, examples[0]]));
}

describe('the audit of a run', () => {
  it('finds one sound, with what else is in the destination', async () => {
    const ended = await soundRun();
    await bucketOf().file(`${ended.prefix}stranger.txt`).save('x', { resumable: false });
    const { list, counts, ...rest } = await audit(ended);
    assert.equal(list.total, 4);
    assert.deepEqual(counts, {
      stored: 2,
      skipped: 1,
      gone: 0,
      failed: 1,
      quarantined: 0,
      unsettled: 0,
    });
    assert.deepEqual(rest, {
      run: ended.run.name,
      workflowId: ended.run.workflowId,
      runFolder: `gs://${world.stack.bucket}/${runFolder(ended.run.name).root}`,
      isSound: true,
      storedBytes: 2,
      objects: 3,
      otherObjects: 1,
      sideFiles: 0,
      ending: { kind: 'completed' },
      problems: [],
    });
  });

  it("counts side files as their items', also those of an attempt that died, and sees who is none", async () => {
    const ended = await beginRun(world, ['a', 'b']);
    const put = async (name: string, marks = {}) =>
      bucketOf()
        .file(`${ended.prefix}${name}`)
        .save('{}', { resumable: false, metadata: { metadata: marks } });
    const side = { 'spotloop-side': 'it' };
    const stored = await ended.store('a', 0);
    assert.ok(stored.kind === 'stored');
    await put('a.info.json', side);
    await put('a.en.vtt');
    await ended.settle(0, [
      { ...stored, sideFiles: { 'info.json': 2, 'en.vtt': 2, 'de.vtt': 2 } },
      failed(1),
    ]);
    await put('b.webp', side);
    await put('b.en.vtt');
    await put('stranger.info.json', side);
    await ended.report();
    const { sideFiles, otherObjects, problems } = await audit(ended);
    assert.deepEqual([sideFiles, otherObjects], [3, 2]);
    assert.deepEqual(problems, [
      { kind: 'missing', count: 1, examples: [`${ended.prefix}a.de.vtt`] },
    ]);
  });

  it('needs no report: a run may have been terminated', async () => {
    const ended = await beginRun(world, ['a', 'b']);
    await ended.settle(0, [await ended.store('a', 0)]);
    const { isSound, ending, counts } = await audit(ended);
    assert.deepEqual([isSound, ending, counts.stored, counts.unsettled], [true, null, 1, 1]);
  });

  it('misses an object, also one that was there before the run', async () => {
    const ended = await soundRun();
    for (const key of ['c', 'before']) await bucketOf().file(ended.nameOf(key)).delete();
    const { problems, objects } = await audit(ended);
    assert.deepEqual(problems, [
      { kind: 'missing', count: 2, examples: [ended.nameOf('c'), ended.nameOf('before')] },
    ]);
    assert.equal(objects, 1);
  });

  it('sees that an object was replaced by another of the same size', async () => {
    const ended = await soundRun();
    await ended.store('a', 0, 'z');
    const { different } = await problemsOf(ended);
    assert.match(
      different ?? '',
      /a\.mp4: 1 bytes with CRC-32C .*, of item 0 of .* instead of 1 bytes/,
    );
  });

  it("sees that an object is another item's", async () => {
    const ended = await soundRun();
    await ended.store('a', 7);
    assert.match(
      (await problemsOf(ended))['different'] ?? '',
      /of item 7 of .* instead of .*of item 0/,
    );
  });

  it('sees an item that is settled twice, and one that the run does not have', async () => {
    const ended = await soundRun();
    await ended.settle(2, [failed(0), failed(99)]);
    assert.deepEqual(await problemsOf(ended), {
      'settled-twice': 'item 0 in part 2',
      'no-such-item': 'item 99 in part 2',
    });
  });

  it('sees that a stored object bears another name than its key', async () => {
    const ended = await beginRun(world, ['a']);
    const outcome = await ended.store('other', 0);
    await ended.settle(0, [outcome]);
    assert.equal((await problemsOf(ended))['wrong-name'], `a as ${ended.nameOf('other')}`);
  });

  it('sees a report that says more than the ledger', async () => {
    const ended = await beginRun(world, ['a', 'b']);
    await ended.settle(0, [await ended.store('a', 0)]);
    await ended.report();
    await ended.settle(1, [failed(1)]);
    assert.deepEqual(await problemsOf(ended), { report: 'failed 0, not 1' });
  });

  it('sees that a run completed without all of its outcomes', async () => {
    const ended = await beginRun(world, ['a', 'b']);
    await ended.settle(0, [await ended.store('a', 0)]);
    await ended.report();
    assert.deepEqual(await problemsOf(ended), { unsettled: '1 items' });
  });

  it('says of a folder without a snapshot what it wants', async () => {
    await assert.rejects(auditRun({ bucket: bucketOf(), run: 'none' }), {
      message:
        /^read gs:\/\/.*\/\.spotloop\/none\/snapshot\/manifest\.json: not found \(404\) — give a run folder/,
    });
  });
});
