import { deepEqual, equal, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { matchOutput, stepsOf, withNames } from './transcript.ts';

describe('a transcript', () => {
  it('has a command for each prompt of its console blocks, and no other', () => {
    const document = [
      '```sh',
      '$ not this',
      '```',
      '```console',
      '$ first \\',
      '    --more',
      'printed',
      '',
      '$ second',
      '```',
      '$ nor this',
    ].join('\n');
    deepEqual(stepsOf(document), [
      { line: 5, command: 'first \\\n    --more', output: ['printed', ''] },
      { line: 9, command: 'second', output: [] },
    ]);
    throws(() => stepsOf('```console\nlost\n```'), /line 2 is the output of no command/);
  });

  const known = new Map([['run', 'r-1']]);
  for (const [what, shown, printed, expected] of [
    ['the same text, whatever its space', ['  a  b'], ' a b \n\n', {}],
    ['what differs in a line', ['a … c'], 'a b b c\n', {}],
    ['lines that differ', ['a', '…', 'b'], 'a\n1\n2\nb\n', {}],
    ['no lines, where some may be', ['a', '…'], 'a\n', {}],
    ['a name, and remembers it', ['id <id>, <id>'], 'id x, x\n', { id: 'x' }],
    ['a name that is known', ['ran <run>'], 'ran r-1\n', {}],
    ['nothing', [], '\n', {}],
  ] as const) {
    it(`takes ${what}`, () => {
      const names = matchOutput(shown, printed, known);
      deepEqual(names, new Map([...known, ...Object.entries(expected)]));
    });
  }

  for (const [what, shown, printed] of [
    ['another word', ['a b'], 'a c\n'],
    ['a line more', ['a'], 'a\nb\n'],
    ['a line less', ['a', 'b'], 'a\n'],
    ['something where nothing is shown', [], 'a\n'],
    ['two texts of one name', ['<id> <id>'], 'x y\n'],
    ['another text than the name has', ['<run>'], 'r-2\n'],
    ['the text of a pattern', ['a.c'], 'abc\n'],
    ['two words for a name', ['a <id> c'], 'a b b c\n'],
  ] as const) {
    it(`notices ${what}`, () => {
      equal(matchOutput(shown, printed, known), null);
    });
  }

  it('puts what names stand for into commands', () => {
    equal(withNames('show <run> <other>', known), 'show r-1 <other>');
  });
});
