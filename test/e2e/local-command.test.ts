import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'node:test';
import type { LocalStack } from '../../cli/local-up.ts';
import { waitUntil } from '../support/run-stack.ts';
import { assertPlain, spotloopWith } from '../support/spotloop.ts';

/** `spotloop local`: a stack that outlives the command that started it, until it is told to end. */

/** What tells where programs are found and cached (infra/local/install/surroundings.ts), as for the other tests. */
const surroundings = [
  'CLOUDSDK_ROOT_DIR',
  'HOME',
  'PUBSUB_EMULATOR_JAR',
  'SPOTLOOP_CACHE',
  'SPOTLOOP_YTDLP',
  'XDG_CACHE_HOME',
].flatMap((name) => {
  const value = process.env[name];
  return value === undefined ? [] : [[name, value] as const];
});
const spotloop = spotloopWith(Object.fromEntries(surroundings));

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotloop-local-'));
});
after(async () => {
  // Where a test failed halfway.
  await spotloop.run('local', 'down', '--folder', join(folder, 'a'));
  await rm(folder, { recursive: true, force: true });
});

/** Processes whose command line names a folder. */
async function processesOf(place: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,args=']);
  return stdout.split('\n').filter((line) => line.includes(`${place}/`) || line.endsWith(place));
}

describe('spotloop local', { concurrency: 2 }, () => {
  it('starts a stack that goes on, which a run can use, and stops it', async () => {
    const place = join(folder, 'a');
    const up = await spotloop.run('local', 'up', '--folder', place, '--json');
    assert.equal(up.code, 0, up.stderr);
    assertPlain(up);
    const { pid, variables, logFile } = JSON.parse(up.stdout) as LocalStack;
    assert.equal(Number(await readFile(join(place, 'stack.pid'), 'utf8')), pid);

    const inside = spotloopWith({ HOME: folder, ...variables });
    const to = 'gs://spotloop-local/x/';
    const doctor = await inside.run('doctor', '--to', to);
    assert.match(doctor.stdout, /\nnothing is wrong\n$/);
    const list = join(folder, 'ids');
    await writeFile(list, 'a\nb\n');
    const noop = '{"task": {"kind": "command", "name": "noop"}}';
    const run = await inside.run('run', list, '--to', to, '--id', 'inside', '--input', noop);
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /\nitems {6}2: 2 stored/);

    await spotloop.refused(
      new RegExp(
        `^start the local stack in ${place}: one is running there already \\(process ${pid}\\)`,
      ),
      'local',
      'up',
      '--folder',
      place,
    );
    const down = await spotloop.run('local', 'down', '--folder', place);
    assert.deepEqual(
      [down.code, down.stderr, down.stdout],
      [0, '', `stopped  the local stack in ${place}\n`],
    );
    assert.deepEqual(await processesOf(place), []);
    assert.match(await readFile(logFile, 'utf8'), /local stack: stopping\n$/);
    await spotloop.refused(/: none is running there — see: /, 'local', 'down', '--folder', place);
  });

  it('says in a line why it does not start, and leaves nothing', async () => {
    const place = join(folder, 'b');
    const busy = createServer();
    busy.listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const { port } = busy.address() as AddressInfo;
    const options = ['local', 'up', '--folder', place, '--temporal-port'];
    const { code, stdout, stderr } = await spotloop.run(...options, String(port));
    busy.close();
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /the Temporal server/);
    assert.deepEqual(await processesOf(place), []);
    await spotloop.refused(
      /^error: option '--temporal-port <port>' argument '0' is inv/,
      ...options,
      '0',
    );
  });

  it('ends what it has begun to start at Ctrl-C', async () => {
    const place = join(folder, 'c');
    const { child, ended } = spotloop.start('local', 'up', '--folder', place);
    await waitUntil(async () =>
      (await processesOf(place)).some((line) => line.includes('main.ts --folder')),
    );
    child.kill('SIGINT');
    const { code, stdout, stderr } = await ended;
    assert.deepEqual([code, stdout], [130, '']);
    assert.match(stderr, /interrupted: nothing was started\n$/);
    await waitUntil(async () => (await processesOf(place)).length === 0);
  });

  it('stops no process that only has the number of one', async () => {
    const place = join(folder, 'd');
    await mkdir(place);
    await writeFile(join(place, 'stack.pid'), String(process.pid));
    await spotloop.refused(/: none is running there — see: /, 'local', 'down', '--folder', place);
  });
});
