import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startRun, untilSettled } from '../support/clip-run.ts';
import { startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { assertPlain, spotloopWith } from '../support/spotloop.ts';

/** `spotloop report` and `results` as real processes after real runs. */

let world: RunStack;
let folder: string;
let spotloop: ReturnType<typeof spotloopWith>;

before(async () => {
  world = await startRunStack();
  folder = await mkdtemp(join(tmpdir(), 'spotloop-open-'));
  spotloop = spotloopWith(world.stack.env);
});

after(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('looking at an ended run', { concurrency: true }, () => {
  it('prints its report and its results, of a workflow id and of a run folder', async () => {
    const trouble = { kind: 'failing', first: 1, times: 9 } as const;
    const run = await startRun(world, 'reported', { count: 4, trouble }, { attempts: 1 });
    const { runFolder } = await run.handle.result();
    const report = await spotloop.run('report', run.prefix);
    assert.deepEqual([report.code, report.stderr], [0, '']);
    assertPlain(report);
    assert.match(report.stdout, /^run {6}\S+ \(reported-\w+\), completed in /);
    assert.match(report.stdout, /^items {4}4: 3 stored, 1 failed; /m);
    assert.ok(report.stdout.includes(`\nfolder   ${runFolder}\n`));
    const page = /^page {5}(.*)$/m.exec(report.stdout)?.[1] ?? '';
    assert.match(await (await fetch(page)).text(), /<html/);

    const file = await world.readRunFile(runFolder, 'results.jsonl');
    assert.equal((await spotloop.run('results', run.prefix)).stdout, file);
    const failed = await spotloop.run('results', runFolder, '--failed');
    const lines = file.split('\n').filter((line) => line.includes('"outcome":"failed"'));
    assert.deepEqual([failed.stdout, lines.length], [`${lines.join('\n')}\n`, 1]);

    const opener = join(folder, 'xdg-open');
    await writeFile(opener, `#!/bin/sh\nprintf %s "$1" > "${folder}/opened"\n`);
    await chmod(opener, 0o755);
    const path = `${folder}:${process.env['PATH']}`;
    const opened = await spotloopWith({ ...world.stack.env, PATH: path }).run(
      'report',
      run.prefix,
      '--open',
    );
    assert.equal(opened.code, 0, opened.stderr);
    await waitUntil(
      async () => (await readFile(`${folder}/opened`, 'utf8').catch(() => '')) === page,
    );
  });

  it('refuses in one line where there is no report', async () => {
    const run = await startRun(world, 'unreported', { count: 20, seconds: 5 });
    await untilSettled(run, 1);
    const line = /holds none — the run goes on, or was terminated: spotloop audit gs:\/\//;
    await spotloop.refused(line, 'report', run.prefix);
    await spotloop.refused(line, 'results', run.prefix);
    await run.handle.terminate();
    await spotloop.refused(/^find run "none": Temporal knows no such workflow/, 'results', 'none');
  });
});
