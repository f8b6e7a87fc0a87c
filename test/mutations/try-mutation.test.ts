import { deepEqual, match, ok } from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { uniqueName } from '../support/unique-name.ts';
import { root } from './mutation.ts';
import type { Mutation } from './mutation.ts';
import { tryMutation } from './try-mutation.ts';
import type { Verdict } from './try-mutation.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotloop-patches-'));
});
after(() => rm(folder, { recursive: true }));

const source = 'domain/short-text.ts';
const file = 'test/domain/short-text.test.ts';

/** The verdict on a patch that writes another second line of the source, where its first is `above`. */
async function verdictOn(
  replacement: string,
  { test = 'cuts a long one and says so', above = '' } = {},
): Promise<Verdict> {
  const [first = '', second = '', third = ''] = (await readFile(join(root, source), 'utf8')).split(
    '\n',
  );
  const name = uniqueName('patch');
  const patch = join(folder, `${name}.patch`);
  const lines = [
    `diff --git a/${source} b/${source}`,
    `--- a/${source}`,
    `+++ b/${source}`,
    '@@ -1,3 +1,3 @@',
    ` ${above === '' ? first : above}`,
    `-${second}`,
    `+${replacement}`,
    ` ${third}`,
  ];
  await writeFile(patch, `${lines.join('\n')}\n`);
  const mutation: Mutation = { name, patch, promise: 'I1', breaks: 'it', file, test };
  return tryMutation(mutation, new AbortController().signal);
}

describe('a mutation', { concurrency: 2 }, () => {
  it('is killed by a test that fails because of it', async () => {
    const verdict = await verdictOn('const longestReason = 300;');
    ok(verdict.kind === 'killed', JSON.stringify(verdict));
  });

  it('survives where its test passes', async () => {
    const verdict = await verdictOn('const longestReason = 100 + 100;');
    ok(verdict.kind === 'survived', JSON.stringify(verdict));
  });

  const unusable: [string, Parameters<typeof verdictOn>, RegExp][] = [
    [
      'the source is none any more',
      ['const longestReason = ;'],
      / did not run: .*(Expression expected|Unexpected token)/s,
    ],
    [
      'something throws',
      ['const longestReason = BigInt(200);'],
      /failed by no assertion: .*BigInt/,
    ],
    [
      'there is no such test',
      ['const longestReason = 300;', { test: 'cuts' }],
      /^"cuts" did not run$/,
    ],
    [
      'it does not apply',
      ['const longestReason = 300;', { above: 'other' }],
      /^apply patch-\S+\.patch: .*does not apply.* — make it anew/,
    ],
  ];
  for (const [why, given, message] of unusable) {
    it(`is no proof when ${why}`, async () => {
      const verdict = await verdictOn(...given);
      deepEqual(verdict.kind, 'unusable');
      match(verdict.kind === 'unusable' ? verdict.message : '', message);
    });
  }
});
