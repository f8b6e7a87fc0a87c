import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { journaling, waits } from './journaling.ts';
import { createWorld, everythingIn, leaseDeadlineMs } from './world.ts';
import type { World } from './world.ts';

/**
 * What the downloader does with its messages, seen from outside: real processes, a real queue, real programs. The task is
 * a shell script of the commands file that notes its starts and ends in a journal.
 */
let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.stop());

/** A queue that refuses is given up after four tries in some two seconds. */
const longerThanRefusalMs = 4_000;

describe('a downloader', { concurrency: 4 }, () => {
  it('exits 0 when it was idle, after every item is acked and its staging folder is empty', async () => {
    const run = await world.run(waits, { idleExitMs: 1_500 });
    const { variables } = await journaling(run, 'true');
    await run.publish(Array.from({ length: 20 }, (_, index) => ({ key: `k${index}` })));
    const downloader = run.start(variables);
    const outcomes = await run.outcomes(20);
    assert.deepEqual(await downloader.ended, { code: 0, signal: null });
    assert.equal(outcomes.length, 20);
    assert.ok(outcomes.every(({ kind, attempts }) => kind === 'stored' && attempts === 1));
    assert.deepEqual(await everythingIn(run.staging), []);
    await sleep(leaseDeadlineMs + 1_000);
    assert.deepEqual(await run.left(), []);
    const last = await run.beat(({ state }) => state === 'leaving');
    assert.deepEqual(last.holding, []);
  });

  it('at SIGTERM releases what cannot finish, without a death, and exits 143', async () => {
    const run = await world.run(waits, { concurrency: 2 });
    const { variables, hasStarted, lines } = await journaling(run, 'sleep 60');
    await run.publish([{ key: 'a', deaths: 1 }, { key: 'b' }]);
    const downloader = run.start({ ...variables, SPOTLOOP_GRACE_SECONDS: '3' });
    await hasStarted('a');
    await hasStarted('b');
    const termMs = performance.now();
    downloader.child.kill('SIGTERM');
    assert.deepEqual(await downloader.ended, { code: 143, signal: null });
    assert.ok(performance.now() - termMs < 3_000, 'within its grace time');
    const left = await run.left();
    assert.deepEqual(
      left
        .toSorted((a, b) => a.item.index - b.item.index)
        .map(({ item, deliveryAttempt }) => [item.key, item.deaths, deliveryAttempt]),
      [
        ['a', 1, 1],
        ['b', 0, 1],
      ],
    );
    assert.ok(!(await lines()).some((line) => line.startsWith('end')));
    await run.beat(({ state }) => state === 'leaving');
    assert.deepEqual(await everythingIn(run.staging), []);
  });

  it('at SIGTERM lets finish what can, and starts nothing new', async () => {
    const run = await world.run(waits, { concurrency: 1 });
    const { variables, hasStarted, lines } = await journaling(run, 'sleep 2');
    await run.publish([{ key: 'a' }, { key: 'b' }]);
    const downloader = run.start({ ...variables, SPOTLOOP_GRACE_SECONDS: '8' });
    const first = await Promise.race([
      hasStarted('a').then(() => 'a'),
      hasStarted('b').then(() => 'b'),
    ]);
    downloader.child.kill('SIGTERM');
    const [outcome] = await run.outcomes(1);
    assert.equal(outcome?.kind, 'stored');
    assert.equal((await downloader.ended).code, 143);
    assert.deepEqual(await lines(), [`start ${first}`, `end ${first}`]);
    assert.equal((await run.left()).length, 1);
  });

  it('leaves as at SIGTERM when its parent is gone', async () => {
    const run = await world.run(waits);
    const { variables, hasStarted } = await journaling(run, 'sleep 60');
    await run.publish([{ key: 'a' }]);
    const downloader = run.start({
      ...variables,
      SPOTLOOP_GRACE_SECONDS: '4',
      SPOTLOOP_EXIT_WITH_STDIN: '1',
    });
    await hasStarted('a');
    downloader.child.stdin?.end();
    assert.equal((await downloader.ended).code, 143);
    assert.equal((await run.left()).length, 1, downloader.stdout());
  });

  it('keeps the lease of an item that takes longer than the deadline', async () => {
    const run = await world.run(waits, { concurrency: 2 });
    const { variables, lines } = await journaling(run, 'sleep 23');
    await run.publish([{ key: 'long' }]);
    run.start(variables);
    const outcomes = await run.outcomes(1);
    assert.equal(outcomes.length, 1);
    assert.equal(outcomes[0]?.kind, 'stored');
    assert.deepEqual(await lines(), ['start long', 'end long']);
  });

  it('kills the task of an item whose lease is lost, and says nothing of it', async () => {
    const run = await world.run(waits, { concurrency: 1 });
    const flag = join(run.staging, '..', `${run.assignment.run}.flag`);
    const body = `if [ -e '${flag}' ]; then true; else touch '${flag}'; sleep 60; fi`;
    const { variables, hasStarted, lines } = await journaling(run, body);
    await run.publish([{ key: 'a' }]);
    const downloader = run.start(variables);
    await hasStarted('a');
    // It stands still for longer than the deadline, so that nothing was renewed and Pub/Sub has the item again.
    downloader.child.kill('SIGSTOP');
    await sleep(leaseDeadlineMs + 2_000);
    downloader.child.kill('SIGCONT');
    const outcomes = await run.outcomes(1);
    assert.equal(outcomes.length, 1);
    assert.equal(outcomes[0]?.attempts, 1);
    assert.deepEqual(await lines(), ['start a', 'start a', 'end a']);
    assert.match(downloader.stdout(), /lease lost/);
  });

  it('is replaced after a kill -9 by one that does the item again', async () => {
    const run = await world.run(waits);
    const flag = join(run.staging, '..', `${run.assignment.run}.flag`);
    const body = `if [ -e '${flag}' ]; then true; else touch '${flag}'; sleep 30; fi`;
    const { variables, hasStarted } = await journaling(run, body);
    await run.publish([{ key: 'a' }]);
    const first = run.start(variables);
    await hasStarted('a');
    first.child.kill('SIGKILL');
    await first.ended;
    const second = run.start(variables);
    const outcomes = await run.outcomes(1);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['stored'],
    );
    second.child.kill('SIGTERM');
    assert.equal((await second.ended).code, 143);
    assert.deepEqual(await everythingIn(run.staging), []);
  });

  it('tries transient failures again, up to attempts, and records the rest at once', async () => {
    const run = await world.run(waits, { attempts: 2 });
    const body = 'case $SPOTLOOP_KEY in bad) exit 65;; flaky) exit 75;; esac';
    const { variables } = await journaling(run, body);
    await run.publish([{ key: 'bad' }, { key: 'flaky' }, { key: 'good' }]);
    run.start(variables);
    const outcomes = (await run.outcomes(3)).toSorted((a, b) => a.index - b.index);
    assert.deepEqual(
      outcomes.map((outcome) => [
        outcome.kind,
        outcome.attempts,
        outcome.kind === 'failed' ? outcome.reason : '',
      ]),
      [
        ['failed', 1, 'permanent'],
        ['failed', 2, 'exhausted'],
        ['stored', 1, ''],
      ],
    );
  });

  it('ends an attempt at itemTimeout, with everything that it started', async () => {
    const run = await world.run(waits, { attempts: 1, itemTimeoutMs: 1_000 });
    const { variables, lines, journal } = await journaling(run, 'true');
    const script = `(sleep 3; echo late >> '${journal}') & wait`;
    await writeFile(
      variables.SPOTLOOP_COMMANDS_FILE,
      JSON.stringify({ waits: { argv: ['sh', '-c', script] } }),
    );
    await run.publish([{ key: 'a' }]);
    run.start(variables);
    const [outcome] = await run.outcomes(1);
    assert.equal(outcome?.kind, 'failed');
    assert.equal(outcome.reason, 'exhausted');
    assert.equal(outcome.error, 'not done within itemTimeout (1s)');
    await sleep(3_000);
    assert.deepEqual(await lines(), []);
  });

  it('exits 0 when the queue is deleted under it and nobody makes it again, for then the run is over', async () => {
    const run = await world.run(waits, { concurrency: 1, idleExitMs: 1_000 });
    const { variables, hasStarted } = await journaling(run, 'sleep 2');
    await run.publish([{ key: 'a' }]);
    const downloader = run.start(variables);
    await hasStarted('a');
    await run.deleteQueue();
    assert.equal((await downloader.ended).code, 0);
  });

  it('goes on when its lost queue is made again, be it lost from the start', async () => {
    const run = await world.run(waits, { concurrency: 1 });
    const { variables } = await journaling(run, 'true');
    await run.deleteQueue();
    const downloader = run.start(variables);
    for (const index of [0, 1]) {
      await sleep(longerThanRefusalMs);
      await run.createQueue();
      await run.publish([{ key: `k${index}`, index }]);
      await run.outcomes(index + 1);
      await run.deleteQueue();
    }
    downloader.child.kill('SIGTERM');
    assert.equal((await downloader.ended).code, 143);
  });
});
