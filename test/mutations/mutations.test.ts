import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseMutation, promises, readMutations, root } from './mutation.ts';
import { applyPatch } from './try-mutation.ts';

/** That promises, mutations, tests and the table in the documentation stay together. `npm run test:mutations` runs them. */

const mutations = readMutations();
const page = readFileSync(join(root, 'docs', 'reliability.md'), 'utf8');

/** The names of a file's tests as patterns: what a template fills in may be anything. */
function testNamesIn(file: string): RegExp[] {
  const text = readFileSync(join(root, file), 'utf8');
  const names = text.matchAll(/\b(?:it|test)\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gs);
  return [...names].map(([, , name = '']) => {
    const parts = name.replaceAll(/\\(.)/g, '$1').split(/\$\{[^}]*\}/);
    const escaped = parts.map((part) => part.replaceAll(/[^\w\s]/g, String.raw`\$&`));
    return new RegExp(`^${escaped.join('.*')}$`, 's');
  });
}

describe('mutations', () => {
  it('break every promise of the architecture', () => {
    const architecture = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');
    const promised = [...architecture.matchAll(/^\| (I\d+) \|/gm)].map(([, name]) => name);
    deepEqual(promised, promises);
    deepEqual([...new Set(mutations.map(({ promise }) => promise))], promises);
  });

  for (const { name, patch, promise, file, test } of mutations) {
    it(`apply to the source as it is: ${name}`, () => {
      equal(applyPatch(patch, root, '--check'), undefined);
    });

    it(`name a test that is there, and stand in the documentation: ${name}`, () => {
      ok(name.startsWith(`${promise}-`));
      ok(
        testNamesIn(file).some((pattern) => pattern.test(test)),
        `no test "${test}" in ${file}`,
      );
      const row = page.split('\n').find((line) => line.includes(`\`${name}\``)) ?? '';
      match(row, new RegExp(`^\\| ${promise} \\|`));
      ok(row.includes(test) && row.includes(file), `docs/reliability.md: ${row}`);
    });
  }

  it('are all that the documentation speaks of', () => {
    const named = [...page.matchAll(/^\| I\d+ \| `([^`]+)`/gm)].map(([, name]) => name);
    deepEqual(
      named,
      mutations.map(({ name }) => name),
    );
  });

  it('need a header that says what they break and who must notice', () => {
    const whole = 'Promise: I1\nBreaks: b\nFile: f\nTest: t\n\ndiff --git a/x b/x\n';
    equal(parseMutation('/x/I1-it.patch', whole).name, 'I1-it');
    for (const label of ['Promise', 'Breaks', 'File', 'Test']) {
      let message = '';
      try {
        parseMutation('/x/I1-it.patch', whole.replace(`${label}: `, ''));
      } catch (error) {
        message = (error as Error).message;
      }
      equal(message, `read I1-it.patch: no line "${label}: …" above the diff — write it`);
    }
  });
});
