import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Progress } from '../../domain/progress.ts';
import { hurry, startRun } from '../support/clip-run.ts';
import { startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { assertPlain, spotloopWith } from '../support/spotloop.ts';

/** `spotloop watch` as a real process beside a real run. */

let world: RunStack;
let spotloop: ReturnType<typeof spotloopWith>;

before(async () => {
  world = await startRunStack();
  spotloop = spotloopWith(world.stack.env);
});

after(() => world.stop());

type Line = { workflowId: string; at?: string; progress?: Progress; end?: { kind: string } };

const linesOf = (stdout: string): Line[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

describe('spotloop watch', { concurrency: true }, () => {
  it('follows a run to its end, in lines without control characters where there is no terminal', async () => {
    const run = await startRun(world, 'watched', { count: 12, seconds: 1 });
    const printed = await spotloop.run('watch', run.prefix);
    assert.equal(printed.code, 0, printed.stderr);
    assertPlain(printed);
    assert.match(printed.stderr, /12\/12 {2}12 stored.*completed: every item has an outcome\n$/);
    const { runFolder } = await run.handle.result();
    assert.match(
      printed.stdout,
      new RegExp(
        `^completed {2}${run.prefix} in \\d+s\nitems {6}12: 12 stored; .* stored\nfolder {5}${runFolder}\n$`,
      ),
    );
    // Once it has ended, the same is said at once.
    const again = await spotloop.run('watch', run.prefix);
    assert.deepEqual([again.code, again.stdout], [0, printed.stdout]);
  });

  it('prints JSON lines, the last with the end, and tells failures by its exit code', async () => {
    const run = await startRun(
      world,
      'json',
      { count: 4, trouble: { kind: 'failing', first: 1, times: 9 } },
      { attempts: 1 },
    );
    const { code, stdout, stderr } = await spotloop.run('watch', '--json', run.prefix);
    assert.deepEqual({ code, stderr }, { code: 2, stderr: '' });
    const lines = linesOf(stdout);
    assert.deepEqual(lines.at(-1), {
      workflowId: run.prefix,
      end: { kind: 'completed', result: await run.handle.result() },
    });
    const { progress } = lines.at(-2) ?? {};
    assert.deepEqual([progress?.phase, progress?.stored, progress?.failed], ['ended', 3, 1]);
    const person = await spotloop.run('watch', run.prefix);
    assert.equal(person.code, 2);
    assert.ok(person.stdout.endsWith(`failures   spotloop results --failed ${run.prefix}\n`));
  });

  it('leaves the run going at Ctrl-C and says so', async () => {
    const run = await startRun(world, 'left', { count: 24, seconds: 4 });
    const { child, ended } = spotloop.start('watch', run.prefix);
    await new Promise((resolve) => child.stderr.once('data', resolve));
    const atMs = performance.now();
    child.kill('SIGINT');
    const printed = await ended;
    // It waits for no answer of Temporal's, which may take 20 s.
    assert.ok(performance.now() - atMs < 5_000, `${performance.now() - atMs} ms`);
    assert.deepEqual([printed.code, printed.stdout], [130, '']);
    assertPlain(printed);
    assert.ok(
      printed.stderr.endsWith(
        `the run goes on\nwatch    spotloop watch ${run.prefix}\ncancel   spotloop cancel ${run.prefix}\n`,
      ),
      printed.stderr,
    );
    assert.equal((await run.handle.describe()).status.name, 'RUNNING');
    await hurry(world, run);
    assert.equal((await run.handle.result()).stored, 24);
  });

  it('ends with 1 when the run is cancelled, terminated or fails', async () => {
    const cancelled = await startRun(world, 'cancelled', { count: 4, seconds: 30 });
    const terminated = await startRun(world, 'terminated', { count: 4, seconds: 30 });
    const failed = await startRun(world, 'failed', { count: 4 }, { destination: 'gs://none/' });
    const watches = [cancelled, terminated, failed].map(({ prefix }) =>
      spotloop.run('watch', prefix),
    );
    await waitUntil(async () => (await cancelled.handle.query('progress')) !== null);
    await cancelled.handle.cancel();
    await terminated.handle.terminate('no more');
    const printed = await Promise.all(watches);
    assert.deepEqual(
      printed.map(({ code }) => code),
      [1, 1, 1],
    );
    assert.match(printed[0]?.stdout ?? '', /^cancelled {2}cancelled-\S+: as it was asked to\n$/);
    assert.match(printed[1]?.stdout ?? '', /^terminated {2}terminated-\S+: no more\n$/);
    assert.match(printed[2]?.stdout ?? '', /^failed {2}failed-\S+: write to gs:\/\/none: no such/);
  });

  it('says that nobody answers for the run, and goes on', async () => {
    const handle = await world.client.workflow.start('downloadRun', {
      taskQueue: 'nobody',
      workflowId: 'silent',
      args: [{ items: ['a'], destination: 'gs://spotloop-local/silent/' }],
    });
    const { child, ended } = spotloop.start('watch', 'silent');
    await new Promise((resolve) => child.stderr.once('data', resolve));
    await handle.terminate('seen enough');
    const { code, stderr } = await ended;
    assert.equal(code, 1);
    assert.match(stderr, /^no Temporal worker answers for the run \(.+\) — is one running\?\n/);
  });

  it('refuses what is no run in one line', async () => {
    await spotloop.refused(
      /^find run "nobody": Temporal knows no such workflow \(any more\) in namespace default — /,
      'watch',
      'nobody',
    );
    const sweep = await world.client.workflow.start('sweepRuns', {
      taskQueue: 'nobody',
      workflowId: 'a-sweep',
    });
    await spotloop.refused(
      /^find run "a-sweep": it is a workflow "sweepRuns", not a run$/m,
      'watch',
      'a-sweep',
    );
    await sweep.terminate();
    const lost = spotloopWith({ ...world.stack.env, TEMPORAL_ADDRESS: '127.0.0.1:1' });
    await lost.refused(/^connect to Temporal at 127\.0\.0\.1:1: no answer — /, 'watch', 'nobody');
  });
});
