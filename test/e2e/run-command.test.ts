import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, it } from 'node:test';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { StartedRun } from '../../cli/start-run.ts';
import { clips } from '../support/clip-run.ts';
import { startStorageProxy } from '../faults/storage-proxy.ts';
import { startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { assertPlain, spotloopWith } from '../support/spotloop.ts';

/** `spotloop run` as a real process, with lists of this machine and of elsewhere. */

let world: RunStack;
let folder: string;
let spotloop: ReturnType<typeof spotloopWith>;

before(async () => {
  world = await startRunStack();
  folder = await mkdtemp(join(tmpdir(), 'spotloop-lists-'));
  spotloop = spotloopWith({ ...world.stack.env, SPOTLOOP_WEB_UI: world.stack.temporal.uiAddress });
});

after(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

async function fileOf(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

async function behindProxy() {
  const proxy = await startStorageProxy(world.stack.storage.endpoint);
  const env = { ...world.stack.env, STORAGE_EMULATOR_HOST: proxy.endpoint };
  return { proxy, spotloop: spotloopWith(env) };
}

const noop = '{"task": {"kind": "command", "name": "noop"}}';
const listsOf = async (id: string): Promise<string[]> =>
  (await world.objects('.spotloop/lists')).filter((name) => name.startsWith(`${id}-`));

async function assertNothing(id: string): Promise<void> {
  assert.deepEqual(await listsOf(id), []);
  await assert.rejects(world.client.workflow.getHandle(id).describe(), WorkflowNotFoundError);
}

describe('spotloop run', { concurrency: true }, () => {
  it('uploads a file, starts a run of it and follows that to its end', async () => {
    const path = await fileOf('ids.txt', 'a\nb\nc\n');
    const printed = await spotloop.run(
      'run',
      path,
      '--to',
      'gs://spotloop-local/run/',
      '--id',
      'my run',
      '--workers',
      '2',
      '--input',
      JSON.stringify({ task: clips(world), attempts: 2 }),
    );
    assert.equal(printed.code, 0, printed.stderr);
    assertPlain(printed);
    const [list] = await listsOf('my-run');
    const handle = world.client.workflow.getHandle('my run');
    const { runId } = await handle.describe();
    const { runFolder } = (await handle.result()) as { runFolder: string };
    assert.deepEqual(printed.stderr.split('\n').slice(0, 4), [
      'started  my run',
      `list     gs://spotloop-local/.spotloop/lists/${list}`,
      `folder   ${runFolder}`,
      `web      ${world.stack.temporal.uiAddress}/namespaces/default/workflows/my%20run/${runId}`,
    ]);
    assert.match(printed.stdout, /^completed {2}my run in /);
    assert.deepEqual(await world.objects('run'), ['a.mp4', 'b.mp4', 'c.mp4']);
  });

  it('starts it, leaves, and prints the equal command of Temporal, which starts the same', async () => {
    const more = { task: { kind: 'command', name: 'noop' }, notify: "https://it's.test/" };
    const printed = await spotloop.run(
      'run',
      'gs://spotloop-local/none.txt',
      '--to',
      'gs://spotloop-local/detached/',
      '--id',
      'detached',
      '--detach',
      '--task-queue',
      'nobody',
      '--limit',
      '5',
      '--input',
      JSON.stringify(more),
    );
    assert.deepEqual([printed.code, printed.stderr], [0, '']);
    const command = /^same as {2}temporal (.*)$/m.exec(printed.stdout)?.[1] ?? '';
    const handle = world.client.workflow.getHandle('detached');
    const inputOf = async () =>
      (await handle.fetchHistory()).events?.[0]?.workflowExecutionStartedEventAttributes?.input;
    const input = await inputOf();
    await handle.terminate();
    const shell = `"${world.stack.temporalCli}" ${command} --address ${world.stack.temporal.address}`;
    await promisify(execFile)('/bin/sh', ['-c', shell]);
    const [ours, theirs] = [input, await inputOf()].map((one) => {
      const [data] = one?.payloads ?? [];
      return JSON.parse(Buffer.from(data?.data ?? []).toString('utf8')) as object;
    });
    assert.deepEqual(theirs, ours);
    assert.deepEqual(ours, {
      items: 'gs://spotloop-local/none.txt',
      destination: 'gs://spotloop-local/detached/',
      limit: 5,
      ...more,
    });
    await handle.terminate();
  });

  it('starts nothing beside a run of the same id, also one that was started meanwhile: its list is removed', async () => {
    const path = await fileOf('twice.txt', 'a\n');
    const proxied = await behindProxy();
    const args = ['run', path, '--to', 'gs://spotloop-local/twice/', '--id', 'twice'];
    const refusal =
      /^start run "twice": a workflow of this id is running — watch it: spotloop watch twice; or choose another --id\n$/;
    const { promise: started, resolve: goOn } = Promise.withResolvers<void>();
    const late = proxied.proxy.inject(
      { method: 'POST', url: /upload/, times: 1 },
      { kind: 'late', until: started },
    );
    const refused = proxied.spotloop.refused(refusal, ...args);
    await waitUntil(async () => late.hits() === 1);
    const handle = await world.client.workflow.start('downloadRun', {
      taskQueue: 'nobody',
      workflowId: 'twice',
    });
    goOn();
    await refused;
    assert.deepEqual(await listsOf('twice'), []);
    // Known before, nothing is uploaded in the first place.
    const upload = proxied.proxy.inject(
      { method: 'POST', url: /./, times: 1 },
      { kind: 'status', status: 500 },
    );
    await proxied.spotloop.refused(refusal, ...args);
    assert.equal(upload.hits(), 0);
    await proxied.proxy.stop();
    await handle.terminate();
  });

  const to = ['--to', 'gs://spotloop-local/refused/'];
  const cases: [string, RegExp, () => Promise<string[]> | string[]][] = [
    [
      'no such file',
      /^read list .*none\.txt: no such file — give the path/,
      () => [join(folder, 'none.txt'), ...to],
    ],
    ['a folder', /^read list .*: a folder — give a text file/, () => [folder, ...to]],
    ['a device', /^read list \/dev\/null: no file — /, () => ['/dev/null', ...to]],
    [
      'an empty file',
      /^read list .*: it is empty — write a key a line/,
      async () => [await fileOf('empty', '\n \n'), ...to],
    ],
    [
      'no such bucket',
      /^upload list .*ok-1 to gs:\/\/no-such-bucket\/.*: not found \(404\) — create bucket no-such-bucket, or correct --to\n$/,
      async () => [await fileOf('ok-1', 'a\n'), '--to', 'gs://no-such-bucket/x/'],
    ],
    [
      'a list of another kind',
      /^run spec: "items" is not the address of a list/,
      () => ['s3://bucket/list', ...to],
    ],
    [
      'input that is no JSON',
      /^--input: it is not JSON: .* — write it like/,
      () => ['gs://b-b/list', ...to, '--input', '{attempts: 3}'],
    ],
    [
      'input that is no object',
      /^--input: it is not an object/,
      () => ['gs://b-b/list', ...to, '--input', '[]'],
    ],
    [
      'no destination',
      /^error: required option '--to <place>' not specified/,
      () => ['gs://b-b/list'],
    ],
  ];
  for (const [what, line, argsOf] of cases) {
    it(`refuses in one line and creates nothing: ${what}`, async () => {
      const id = `refused-${what.replaceAll(' ', '-')}`;
      await spotloop.refused(line, 'run', ...(await argsOf()), '--id', id);
      await assertNothing(id);
    });
  }

  it('names all problems of the input at once, in the words of the options, before it uploads', async () => {
    const path = await fileOf('ok-2', 'a\n');
    const { code, stdout, stderr } = await spotloop.run(
      'run',
      path,
      '--to',
      'my-bucket',
      '--id',
      'wrong',
      '--workers',
      'many',
      '--rate-limit=-1',
      '--concurrency',
      '0',
      '--input',
      '{"atempts": 3, "concurrency": 4}',
    );
    assert.deepEqual([code, stdout], [1, '']);
    const lines = stderr.trimEnd().split('\n');
    const expected = [
      /^--input: "concurrency" is given by --concurrency, too — leave one out$/,
      /^run spec: --to is not a place in Cloud Storage — write it like/,
      /^run spec: --workers is neither a number of downloaders/,
      /^run spec: --concurrency: too small/,
      /^run spec: --rate-limit: too small/,
      /^run spec: unknown field "atempts" — did you mean "attempts"\?$/,
    ];
    assert.equal(lines.length, expected.length, stderr);
    for (const line of expected)
      assert.ok(
        lines.some((one) => line.test(one)),
        `${line}\n${stderr}`,
      );
    await assertNothing('wrong');
  });

  it('starts nothing where the storage does not answer, or forbids it', async () => {
    const path = await fileOf('ok-3', 'a\n');
    const args = ['run', path, ...to, '--id', 'lost'];
    const lost = spotloopWith({ ...world.stack.env, STORAGE_EMULATOR_HOST: 'http://127.0.0.1:1' });
    await lost.refused(/^upload list .*ok-3 to gs:\/\/spotloop-local\/.*ECONNREFUSED/, ...args);
    await assertNothing('lost');
    const { spotloop: forbidden, proxy } = await behindProxy();
    proxy.inject({ method: 'POST', url: /./, times: 9 }, { kind: 'status', status: 403 });
    await forbidden.refused(/: forbidden \(403\) — sign in .*, or ask for the role/, ...args);
    await proxy.stop();
    await assertNothing('lost');
  });

  it('starts nothing when it is interrupted while it uploads', async () => {
    const path = await fileOf('ok-4', 'a\n');
    const { spotloop: slow, proxy } = await behindProxy();
    const hang = proxy.inject({ method: 'POST', url: /./, times: 9 }, { kind: 'hang' });
    const { child, ended } = slow.start('run', path, ...to, '--id', 'broken-off');
    await waitUntil(async () => hang.hits() > 0);
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    await proxy.stop();
    assert.deepEqual([code, stderr], [130, 'interrupted: nothing was started\n']);
    await assertNothing('broken-off');
  });

  it('runs what the file holds, with the workflow id of its name', async () => {
    const path = await fileOf('my ids.txt', 'a\nb\n');
    const { code, stdout, stderr } = await spotloop.run(
      'run',
      path,
      ...to,
      '--input',
      noop,
      '--json',
    );
    assert.equal(code, 0, stderr);
    const [first = '', ...rest] = stdout.trimEnd().split('\n');
    const { started } = JSON.parse(first) as { started: StartedRun };
    assert.match(started.workflowId, /^my-ids-\d{8}T\d{6}$/);
    assert.match(rest.at(-1) ?? '', /"end":\{"kind":"completed","result":\{"total":2,/);
  });
});
