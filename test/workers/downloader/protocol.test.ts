import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment } from '../../../domain/assignment.ts';
import { createStage, soon } from './stage.ts';

/** After an empty answer a queue is left alone for a tenth of a second; then it could be asked again. */
const longerThanRestMs = 250;

const open: ReturnType<typeof createStage>[] = [];

function stageOf(overrides: Partial<Assignment> = {}) {
  const stage = createStage(overrides);
  open.push(stage);
  return stage;
}

afterEach(() => {
  for (const stage of open.splice(0)) stage.stop();
});

/** Holds the design's invariants against what a downloader says to its remotes, call by call. */
describe("a downloader's protocol", () => {
  it('acks an item only after its outcome is confirmed', async () => {
    const { put, start, until, finish, close, journal } = stageOf();
    const confirm = close('publish outcomes');
    put({ key: 'a' });
    void start();
    await until('begin a');
    finish('a');
    await until('asks to publish outcomes');
    assert.ok(!journal.includes('asks to ack'), journal.join(', '));
    confirm();
    await until('ack a');
    assert.ok(journal.indexOf('outcome 0 stored') < journal.indexOf('asks to ack'));
  });

  it('publishes an outcome only after the task has ended', async () => {
    const { put, start, until, finish, journal } = stageOf();
    put({ key: 'a' });
    void start();
    await until('begin a');
    finish('a');
    await until('ack a');
    const steps = journal.filter((line) => /^(begin|end|outcome|ack)/.test(line));
    assert.deepEqual(steps, ['begin a', 'end a stored', 'outcome 0 stored', 'ack a']);
  });

  it('acks a released item only after a copy of it is confirmed', async () => {
    const { put, start, until, close, journal, stopping, killing } = stageOf();
    const confirm = close('publish copies');
    put({ key: 'a' });
    const ended = start();
    await until('begin a');
    stopping.abort();
    killing.abort();
    await until('asks to publish copies');
    assert.ok(!journal.includes('asks to ack'), journal.join(', '));
    confirm();
    assert.equal((await soon('the end', ended)).kind, 'stopped');
    assert.deepEqual(journal.slice(journal.indexOf('asks to publish copies') + 1), [
      'copy a with 0 deaths',
      'asks to ack',
      'ack a',
    ]);
  });

  it('releases with the deaths that an item had, for a release is none', async () => {
    const { put, start, until, journal, stopping, killing } = stageOf();
    put({ key: 'a', deaths: 1 }, { key: 'b', deliveries: 2 }, { key: 'c' });
    const ended = start();
    for (const key of ['a', 'b', 'c']) await until(`begin ${key}`);
    stopping.abort();
    killing.abort();
    await soon('the end', ended);
    const copies = journal.filter((line) => line.startsWith('copy'));
    assert.deepEqual(copies.toSorted(), [
      'copy a with 1 deaths',
      'copy b with 1 deaths',
      'copy c with 0 deaths',
    ]);
  });

  it('never asks for more items than it has free slots', async () => {
    const slots = 3;
    const keys = Array.from({ length: 9 }, (_, index) => `k${index}`);
    const { put, start, until, finish, journal, atWork } = stageOf({ concurrency: slots });
    put(...keys.map((key) => ({ key })));
    void start();
    for (const [at, key] of keys.entries()) {
      await until(`begin ${key}`);
      // As many as there are slots stay in hand while one more is asked for.
      const next = keys[at + slots - 1];
      if (next !== undefined) await until(`begin ${next}`);
      assert.ok(atWork.size <= slots, journal.join(', '));
      finish(key);
    }
    await until('ack k8');
    const inHand = new Set<string>();
    let asked = 0;
    for (const line of journal) {
      const [verb, what = ''] = line.split(' ');
      if (verb === 'pull') asked = Number(what);
      if (verb === 'pull') assert.ok(asked + inHand.size <= slots, journal.join(', '));
      if (verb === 'begin') inHand.add(what);
      if (verb === 'ack') inHand.delete(what);
    }
  });

  it('kills the task of an item whose lease is lost, and publishes and acks nothing of it', async () => {
    const { put, start, until, refuseRenewals, journal, stopping } = stageOf({
      leaseDeadlineMs: 600,
    });
    refuseRenewals();
    put({ key: 'a' });
    const ended = start();
    await until('begin a');
    await until('end a interrupted');
    stopping.abort();
    await soon('the end', ended);
    assert.ok(!journal.some((line) => /^(outcome|copy|ack)/.test(line)), journal.join(', '));
  });

  it('publishes nothing of an item whose task ends well after its lease was lost', async () => {
    const { put, start, until, refuseRenewals, close, journal, finish, stopping } = stageOf({
      leaseDeadlineMs: 600,
    });
    refuseRenewals();
    put({ key: 'a' }, { key: 'b' });
    // The outcome of `a` waits behind this one, and by then the lease is gone.
    const confirm = close('publish outcomes');
    const ended = start();
    await until('begin b');
    finish('b');
    await until('asks to publish outcomes');
    finish('a');
    put({ key: 'c' });
    await until('begin c');
    // Its lease began last, so the others are lost before it.
    await until('end c interrupted');
    confirm();
    stopping.abort();
    await soon('the end', ended);
    assert.ok(
      !journal.includes('outcome 0 stored') && !journal.includes('ack a'),
      journal.join(', '),
    );
  });

  it('after SIGTERM asks for nothing, begins nothing, and lets finish what can', async () => {
    const { put, start, until, finish, journal, stopping, killing } = stageOf({ concurrency: 2 });
    put({ key: 'a' }, { key: 'b' }, { key: 'c' });
    const ended = start();
    await until('begin b');
    stopping.abort();
    const said = journal.length;
    finish('a');
    await until('ack a');
    killing.abort();
    const ending = await soon('the end', ended);
    assert.deepEqual(ending, {
      kind: 'stopped',
      parting: { settled: 1, released: 1, abandoned: 0 },
    });
    const after = journal.slice(said);
    assert.ok(!after.some((line) => /^(pull|asks to pull|begin)/.test(line)), after.join(', '));
    assert.ok(after.includes('outcome 0 stored') && after.includes('copy b with 0 deaths'));
  });

  it('after SIGTERM begins no further attempt of an item, but releases it at once', async () => {
    const { put, start, until, finish, journal, stopping } = stageOf();
    put({ key: 'a' });
    const ended = start();
    await until('begin a');
    stopping.abort();
    finish('a', { kind: 'transient', error: 'hiccup' });
    await soon('the end', ended);
    assert.equal(journal.filter((line) => line === 'begin a').length, 1);
    assert.ok(journal.includes('copy a with 0 deaths'));
  });

  it('gives back what arrives after SIGTERM', async () => {
    const { put, start, until, close, journal, stopping } = stageOf();
    const answer = close('pull');
    put({ key: 'a' });
    const ended = start();
    await until('asks to pull');
    stopping.abort();
    answer();
    await soon('the end', ended);
    assert.ok(!journal.includes('begin a'));
    assert.deepEqual(journal.slice(-3), ['copy a with 0 deaths', 'asks to ack', 'ack a']);
  });

  it('works on an item of two deaths alone, when its hand is empty', async () => {
    const { put, start, until, finish, journal, atWork } = stageOf({ concurrency: 3 });
    put({ key: 'a' }, { key: 'lone', deliveries: 3 }, { key: 'b' });
    void start();
    await until('begin b');
    await until('ack lone');
    put({ key: 'c' });
    await sleep(longerThanRestMs);
    finish('a');
    await until('ack a');
    assert.deepEqual([...atWork.keys()], ['b'], 'nothing new is begun beside the last neighbour');
    finish('b');
    await until('begin lone');
    assert.deepEqual([...atWork.keys()], ['lone']);
    finish('lone');
    await until('begin c');
    assert.ok(journal.indexOf('begin c') > journal.indexOf('end lone stored'));
  });

  it('counts deaths in company up to two only, and hands on no item unseen', async () => {
    const { put, start, until, close, journal } = stageOf();
    const confirm = close('publish suspects');
    put({ key: 'a', deaths: 1, deliveries: 9 });
    void start();
    await until('asks to publish suspects');
    assert.ok(!journal.includes('asks to ack'), journal.join(', '));
    confirm();
    await until('begin a');
    assert.ok(journal.includes('suspect a with 2 deaths'), journal.join(', '));
  });

  it('quarantines an item at maxDeaths, not before, and without working on it', async () => {
    const { put, start, until, finish, journal, outcomes } = stageOf({ maxDeaths: 3 });
    put({ key: 'a', deaths: 2, deliveries: 2, to: 'suspects' });
    put({ key: 'b', deaths: 2, deliveries: 1, to: 'suspects' });
    void start();
    await until('begin b');
    finish('b');
    await until('outcome 1 stored');
    await until('outcome 0 quarantined');
    assert.ok(!journal.includes('begin a'));
    const quarantined = outcomes.find(({ index }) => index === 0);
    assert.ok(quarantined?.kind === 'quarantined');
    assert.deepEqual([quarantined.deaths, quarantined.attempts], [3, 0]);
  });

  it('counts no attempt for the downloaders that an item has lost', async () => {
    const { put, start, until, finish, outcomes } = stageOf({ attempts: 2 });
    put({ key: 'a', deaths: 2, deliveries: 2, to: 'suspects' });
    void start();
    await until('begin a');
    finish('a', { kind: 'stored', object: null, sizeBytes: 0, crc32c: null });
    await until('ack a');
    assert.equal(outcomes[0]?.attempts, 1);
  });

  it('looks for an item that was delivered before, and does not work on what it finds', async () => {
    const { put, start, until, found, journal } = stageOf();
    found.set('a', { kind: 'stored', object: 'v/a', sizeBytes: 3, crc32c: 'AAAAAA==' });
    found.set('b', { kind: 'skipped', object: 'v/b', sizeBytes: 3, crc32c: 'AAAAAA==' });
    put({ key: 'a', deliveries: 2 }, { key: 'b', deaths: 1 });
    void start();
    await until('outcome 0 stored');
    await until('outcome 1 skipped');
    assert.ok(!journal.some((line) => line.startsWith('begin')), journal.join(', '));
  });
});
