import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { runFolder } from '../../domain/names.ts';
import { failed } from '../activities/ledger/arbitrary-outcomes.ts';
import { beginRun } from '../activities/audit/scene.ts';
import type { EndedRun } from '../activities/audit/scene.ts';
import { closeWorld, openWorld } from '../activities/world.ts';
import type { World } from '../activities/world.ts';

let world: World;
let ended: EndedRun;
let folder: string;
before(async () => {
  world = await openWorld();
  ended = await beginRun(world, ['a', 'b']);
  await ended.settle(0, [await ended.store('a', 0), failed(1)]);
  await ended.report();
  folder = `gs://${world.stack.bucket}/${runFolder(ended.run.name).root}`;
});
after(() => closeWorld(world));

const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

async function spotloop(...args: string[]) {
  const env = { PATH: process.env['PATH'], ...world.stack.env };
  const child = spawn(process.execPath, [program, ...args], { env });
  const code = new Promise((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await code, stdout, stderr };
}

describe('spotloop audit', () => {
  it('says of a sound run what there is', async () => {
    const { code, stdout, stderr } = await spotloop('audit', folder);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.deepEqual(stdout.split('\n'), [
      `run      ${ended.run.name} (${ended.run.workflowId}), completed`,
      'items    2: 1 stored, 1 failed; 1B stored',
      'objects  1 as the ledger says; 0 others in the destination',
      'sound    each item has one outcome at most, and each object is there',
      '',
    ]);
  });

  it('prints JSON for scripts', async () => {
    const { stdout } = await spotloop('audit', '--json', folder.slice(0, -1));
    assert.equal((JSON.parse(stdout) as { isSound: boolean }).isSound, true);
  });

  it('ends with 2 and names what is wrong', async () => {
    const bucket = world.google.storage.bucket(world.stack.bucket);
    await bucket.file(ended.nameOf('a')).delete();
    const { code, stdout } = await spotloop('audit', folder);
    assert.equal(code, 2);
    assert.match(stdout, /^wrong +the ledger says stored or skipped, .*: 1\n +audit-.*\/a\.mp4$/m);
    assert.match(stdout, /^unsound /m);
  });

  it('ends with 1 and one line when it cannot look', async () => {
    for (const [place, line] of [
      [
        `gs://${world.stack.bucket}/.spotloop/none/`,
        /^read gs:.*not found \(404\) — give a run folder/,
      ],
      ['gs://bucket/videos/', /a run folder is gs:\/\/BUCKET\/\.spotloop\/RUN\//],
    ] as const) {
      const { code, stdout, stderr } = await spotloop('audit', place);
      assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
      assert.match(stderr, line);
      assert.equal(stderr.trimEnd().split('\n').length, 1);
    }
  });
});
