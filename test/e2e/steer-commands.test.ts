import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RunStatus } from '../../cli/status.ts';
import type { Progress } from '../../domain/progress.ts';
import { hurry, startRun, untilSettled } from '../support/clip-run.ts';
import { startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { assertPlain, spotloopWith } from '../support/spotloop.ts';

/** `spotloop status`, `pause`, `resume`, `scale` and `cancel` as real processes beside real runs. */

let world: RunStack;
let spotloop: ReturnType<typeof spotloopWith>;

before(async () => {
  world = await startRunStack();
  spotloop = spotloopWith(world.stack.env);
});

after(() => world.stop());

async function answered<Answer>(...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await spotloop.run(...args, '--json');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return JSON.parse(stdout) as Answer;
}

describe('steering a run', { concurrency: true }, () => {
  it('pauses, refuses what makes no sense, resumes, scales and tells how it stands', async () => {
    const run = await startRun(world, 'steered', { count: 60, seconds: 2 });
    const id = run.prefix;
    await untilSettled(run, 1);
    await spotloop.refused(/^resume run "steered-\w+": the run is not paused$/m, 'resume', id);
    const paused = await spotloop.run('pause', id);
    assert.deepEqual([paused.code, paused.stderr], [0, '']);
    assertPlain(paused);
    assert.match(paused.stdout, /^steered-\w+ {2}\d+\/60 {2}.*: paused/);
    assert.equal((await run.handle.query<Progress>('progress')).phase, 'paused');
    await spotloop.refused(/^pause run "steered-\w+": the run is paused already$/m, 'pause', id);

    const status = await answered<RunStatus>('status', id);
    assert.deepEqual(
      [status.status, status.progress?.phase, status.end, status.taskQueue],
      ['running', 'paused', null, 'spotloop'],
    );
    const person = await spotloop.run('status', id);
    assertPlain(person);
    assert.match(
      person.stdout,
      /^running {2}steered-\w+ since \S+, task queue spotloop\nitems {4}\d+\/60 .*\nfleet {4}.*\nfolder {3}gs:\/\/.*\n$/,
    );

    const { progress } = await answered<{ progress: Progress }>('resume', id);
    assert.equal(progress.phase, 'downloading');
    for (const wrong of ['0', 'many', '1.5', '20000']) {
      await spotloop.refused(
        /^scale run "steered-\w+": scale takes a whole number of downloaders from 1 to 15000$/m,
        'scale',
        id,
        wrong,
      );
    }
    const scaled = await spotloop.run('scale', id, '2');
    assert.equal(scaled.code, 0, scaled.stderr);
    assert.match(scaled.stdout, /scaled to 2 downloaders\n$/);
    await hurry(world, run);
    assert.equal((await run.handle.result()).stored, 60);
    const ended = await answered<RunStatus>('status', id);
    assert.deepEqual([ended.status, ended.end?.kind], ['completed', 'completed']);
    for (const args of [
      ['pause', id],
      ['resume', id],
      ['scale', id, '2'],
      ['cancel', id],
    ]) {
      await spotloop.refused(
        /: it has ended, as completed — see: spotloop status steered-/,
        ...args,
      );
    }
  });

  it('cancels a run, which cleans up', async () => {
    const run = await startRun(world, 'stopped', { count: 40, seconds: 2 });
    await untilSettled(run, 1);
    const { code, stdout } = await spotloop.run('cancel', run.prefix);
    assert.equal(code, 0);
    assert.match(stdout, /^asked {2}stopped-\S+ cleans up, .*\nwatch {2}spotloop watch stopped-/);
    await assert.rejects(run.handle.result());
    const status = await answered<RunStatus>('status', run.prefix);
    assert.deepEqual([status.status, status.end?.kind], ['cancelled', 'cancelled']);
    await waitUntil(async () => (await world.processes(run.name)).length === 0);
  });

  it('says that nobody answers for a run, and leaves no message behind', async () => {
    const handle = await world.client.workflow.start('downloadRun', {
      taskQueue: 'nobody',
      workflowId: 'silent',
      args: [{ items: ['a'], destination: 'gs://spotloop-local/silent/' }],
    });
    await spotloop.refused(
      /^pause run "silent": no Temporal worker answers \(.+\) — is one running\?$/m,
      'pause',
      'silent',
    );
    const { code, stdout } = await spotloop.run('status', 'silent');
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^running {2}silent since .*\nsilent {3}no Temporal worker answers for it/,
    );
    await handle.terminate();
  });

  it('refuses what is no run in one line', async () => {
    for (const args of [['status'], ['pause'], ['resume'], ['cancel']]) {
      await spotloop.refused(/^find run "none": Temporal knows no such workflow/, ...args, 'none');
    }
    await spotloop.refused(/^find run "none": Temporal knows no such/, 'scale', 'none', '2');
    await spotloop.refused(/^error: missing required argument 'n'/, 'scale', 'none');
  });
});
