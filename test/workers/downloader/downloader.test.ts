import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorld, eventually, everythingIn, leaseDeadlineMs } from './world.ts';
import type { Run, World } from './world.ts';

/**
 * What the downloader does with its messages, seen from outside: real processes, a real queue, real programs. The task is
 * a shell script of the commands file that notes its starts and ends in a journal.
 */
let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.stop());

const waits = { kind: 'command', name: 'waits', extension: '' } as const;

/** A queue that refuses is given up after four tries in some two seconds. */
const longerThanRefusalMs = 4_000;

/** A program that notes its start, takes as many seconds as `body` says, and notes its end. */
async function journaling(run: Run, body: string) {
  const journal = join(run.staging, '..', `${run.assignment.run}.journal`);
  const commandsFile = join(run.staging, '..', `${run.assignment.run}.json`);
  await writeFile(journal, '');
  const script = `echo "start $SPOTLOOP_KEY" >> '${journal}'; ${body}; echo "end $SPOTLOOP_KEY" >> '${journal}'`;
  await writeFile(commandsFile, JSON.stringify({ waits: { argv: ['sh', '-c', script] } }));
  const lines = async (): Promise<string[]> =>
    (await readFile(journal, 'utf8')).split('\n').filter((line) => line !== '');
  return {
    journal,
    lines,
    variables: { SPOTLOOP_COMMANDS_FILE: commandsFile },
    hasStarted: (key: string) =>
      eventually(`${key} starts`, async () => (await lines()).includes(`start ${key}`)),
  };
}

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

  it('quarantines an item at maxDeaths without doing it', async () => {
    const run = await world.run(waits, { maxDeaths: 3 });
    const { variables, lines } = await journaling(run, 'true');
    await run.publish([{ key: 'a', deaths: 3 }], 'suspects');
    await run.publish([{ key: 'b', index: 1 }]);
    run.start(variables);
    const outcomes = await run.outcomes(2);
    const quarantined = outcomes.find(({ index }) => index === 0);
    assert.equal(quarantined?.kind, 'quarantined');
    assert.equal(quarantined.deaths, 3);
    assert.equal(quarantined.attempts, 0);
    assert.deepEqual(await lines(), ['start b', 'end b']);
  });

  it('counts no death in company above two, and hands the item on to be worked on alone', async () => {
    const run = await world.run(waits, { maxDeaths: 3, concurrency: 1 });
    const { variables, hasStarted } = await journaling(run, 'sleep 60');
    await run.publish([{ key: 'unlucky', deaths: 7 }]);
    const downloader = run.start({ ...variables, SPOTLOOP_GRACE_SECONDS: '2' });
    await hasStarted('unlucky');
    downloader.child.kill('SIGTERM');
    await downloader.ended;
    assert.deepEqual(await run.left(), []);
    const [left] = await run.left('suspects');
    assert.deepEqual(left, {
      item: { index: 0, key: 'unlucky', deaths: 2, wasInHand: true },
      deliveryAttempt: 1,
    });
  });

  it('does not blame an item for a death while it waits to be alone', async () => {
    const run = await world.run(waits, { concurrency: 2 });
    const { variables, hasStarted } = await journaling(run, 'sleep 60');
    await run.publish([{ key: 'neighbour' }]);
    const downloader = run.start(variables);
    await hasStarted('neighbour');
    await run.publish([{ key: 'suspect', index: 1, deaths: 2 }]);
    await eventually('it is handed on', async () => {
      const [left] = await run.left('suspects');
      return left?.item.key === 'suspect';
    });
    downloader.child.kill('SIGKILL');
    await downloader.ended;
    await sleep(leaseDeadlineMs + 1_000);
    const keys = (await run.left()).map(({ item }) => item.key);
    assert.ok(keys.includes('neighbour'));
    // Its own message may have come back, when that was not acked yet: two deaths it has all the same.
    assert.ok((await run.left('suspects')).every(({ item }) => item.deaths === 2));
  });

  it('works on an item of two deaths alone, and on all of them in the end', async () => {
    const run = await world.run(waits, { concurrency: 4 });
    const { variables, lines } = await journaling(run, 'sleep 0.3');
    const keys = ['a', 'b', 'c', 'lone1', 'd', 'e', 'lone2', 'f', 'g', 'h'];
    await run.publish(keys.map((key) => ({ key, deaths: key.startsWith('lone') ? 2 : 0 })));
    run.start(variables);
    const outcomes = await run.outcomes(keys.length);
    assert.ok(outcomes.every(({ kind }) => kind === 'stored'));
    const noted = await lines();
    for (const key of ['lone1', 'lone2']) {
      const place = noted.indexOf(`start ${key}`);
      const earlier = noted.slice(0, place);
      const count = (word: string): number =>
        earlier.filter((line) => line.startsWith(word)).length;
      assert.equal(count('start'), count('end'), `nothing else runs when ${key} starts`);
      assert.equal(noted[place + 1], `end ${key}`, `nothing else starts while ${key} runs`);
    }
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
