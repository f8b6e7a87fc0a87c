import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { decodeKey, encodeKey } from '../../domain/object-name.ts';
import { startRunStack } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';

/** What people type and what lists hold, through the whole stack. */

let world: RunStack;

before(async () => {
  world = await startRunStack();
});

after(() => world.stop());

const noop = { kind: 'command', name: 'noop' } as const;
const destination = 'gs://spotloop-local/input/';

async function listOf(name: string, content: string | Buffer): Promise<string> {
  const path = join(world.stack.logFolder, name);
  await writeFile(path, content);
  return `file://${path}`;
}

/** Every file under the bucket. */
async function bucketFiles(): Promise<string[]> {
  const entries = await readdir(world.stack.bucketFolder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describe('a run with bad input', () => {
  const cases: [string, () => Promise<object> | object, string, RegExp][] = [
    [
      'no such list',
      () => ({ items: 'file:///no/such/list' }),
      'PreflightFailed',
      /^read list file:\/\/\/no\/such\/list: no such file — /,
    ],
    [
      'an empty list',
      async () => ({ items: await listOf('empty', '\n \n') }),
      'InvalidList',
      /: it holds no item \(2 lines, all blank\) — /,
    ],
    [
      'a list that is not UTF-8',
      async () => ({ items: await listOf('latin1', Buffer.from([0x6f, 0x6b, 0x0a, 0xe9, 0x0a])) }),
      'InvalidList',
      /\nline 2: not valid UTF-8$/,
    ],
    [
      'a line that is too long',
      async () => ({ items: await listOf('long', `ok\n${'x'.repeat(1_025)}\n`) }),
      'InvalidList',
      /\nline 2: longer than 1024 bytes$/,
    ],
    [
      'names too long for the bucket',
      async () => ({ items: await listOf('names', `${'x'.repeat(300)}\n`) }),
      'InvalidList',
      /\nline 1: its file name would have 300 bytes, more than the 234/,
    ],
    [
      'an unknown field',
      () => ({ destinaton: 'x' }),
      'InvalidRunSpec',
      /^run spec: unknown field "destinaton" — did you mean "destination"\?$/,
    ],
    [
      'a wrong type',
      () => ({ concurrency: 'many' }),
      'InvalidRunSpec',
      /^run spec: "concurrency": /,
    ],
    [
      'a number out of range',
      () => ({ concurrency: 1_001 }),
      'InvalidRunSpec',
      /^run spec: "concurrency": too big/,
    ],
    [
      'no such bucket',
      () => ({ destination: 'gs://no-such-bucket/x/' }),
      'PreflightFailed',
      /^write to gs:\/\/no-such-bucket: no such bucket — /,
    ],
    [
      'an unknown task',
      () => ({ task: { kind: 'teleport' } }),
      'InvalidRunSpec',
      /^run spec: unknown task "teleport" — /,
    ],
    [
      'an unknown command',
      () => ({ task: { kind: 'command', name: 'rm' } }),
      'PreflightFailed',
      /^find command "rm" .*: it has noop, sha256 — /,
    ],
    [
      'a template without {key}',
      () => ({ task: { kind: 'http', url: 'https://x.test/' } }),
      'InvalidRunSpec',
      /^run spec: "task.url" has no \{key\} — /,
    ],
  ];
  for (const [what, inputOf, type, message] of cases) {
    it(`says what is wrong and creates nothing: ${what}`, async () => {
      const filesBefore = await bucketFiles();
      const input = { items: ['a'], destination, task: noop, ...(await inputOf()) };
      const handle = await world.start(`bad-${what.replaceAll(/\W+/g, '-')}`, input);
      const error: unknown = await handle.result().catch((thrown: unknown) => thrown);
      assert.ok(
        error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure,
        String(error),
      );
      assert.equal(error.cause.type, type);
      assert.match(error.cause.message, message);
      assert.deepEqual(await bucketFiles(), filesBefore);
      assert.deepEqual(await world.queueLeft(), []);
    });
  }
});

describe('a run with keys that mean harm', () => {
  const keys = [
    '../../x',
    'a/b',
    '-rf',
    '--exec=x',
    ';rm -rf ~',
    '$(x)',
    '`x`',
    '..',
    '%2e',
    'a b',
    "it's",
    '🎬',
    '<script>',
  ];

  it('stores each under a safe name that can be read back', { timeout: 120_000 }, async () => {
    const list = `\uFEFF${keys.join('\r\n')}\r\n\r\n ${keys[0]} \n`;
    const handle = await world.start('harm', {
      items: await listOf('harm', list),
      destination: 'gs://spotloop-local/harm/',
      task: { kind: 'command', name: 'sha256', extension: 'txt' },
      maxItemSize: '1MB',
    });
    const result = await handle.result();
    assert.deepEqual(
      [result.total, result.stored, result.duplicates, result.blankLines],
      [keys.length, keys.length, 1, 1],
    );
    const names = await world.objects('harm');
    assert.deepEqual(names.toSorted(), keys.map((key) => `${encodeKey(key)}.txt`).toSorted());
    const back = names.map((name) => decodeKey(name.slice(0, -'.txt'.length)));
    assert.deepEqual(back.toSorted(), keys.toSorted());
    const page = await world.readRunFile(result.runFolder, 'report.html');
    assert.ok(!page.includes('<script>'));
  });

  it(
    'refuses a key of a thousand characters on the local stack, whose objects are files',
    { timeout: 60_000 },
    async () => {
      const handle = await world.start('thousand', {
        items: ['k'.repeat(1_000)],
        destination: 'gs://spotloop-local/thousand/',
        task: noop,
      });
      await assert.rejects(handle.result(), (error: WorkflowFailedError) => {
        assert.match(error.cause?.message ?? '', /would have 1000 bytes, more than the 234/);
        return true;
      });
    },
  );
});
