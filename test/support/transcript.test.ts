import { deepEqual, equal, match, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bareCommandsOf, matchOutput, stepsOf, strayCommandsOf, withNames } from './transcript.ts';

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
    deepEqual(stepsOf("```console\n$ it '{\n  1}'\nsaid\n```"), [
      { line: 2, command: "it '{\n  1}'", output: ['said'] },
    ]);
    throws(() => stepsOf('```console\nlost\n```'), /line 2 is the output of no command/);
  });

  it('has the commands of its sh blocks, without their comments', () => {
    const document = ['```sh', 'npm one   # why', '# alone', 'npm two \\', '  --more', '```'].join(
      '\n',
    );
    deepEqual(bareCommandsOf(document), [
      { line: 2, command: 'npm one' },
      { line: 4, command: 'npm two \\\n  --more' },
    ]);
  });

  for (const [what, document, expected] of [
    ['is only indented', 'text:\n\n    npm test\n\nmore', /^line 3: "npm test" is only indented/],
    ['is in a block of others', '```text\nnpm test\n```', /^line 2: "npm test" is a command/],
    ['is behind a prompt there', '```\n$ temporal workflow\n```', /^line 2: /],
    ['has a variable before it', '```yaml\nA=1 npm test\n```', /^line 2: /],
    ['is in a block of no known language', '```bash\nnpm test\n```', /^line 2: a block of "bash"/],
  ] as const) {
    it(`notices a command that ${what}`, () => {
      const [first = '', ...others] = strayCommandsOf(document);
      match(first, expected);
      deepEqual(others, []);
    });
  }

  it('takes what is no command, and what stands in its place', () => {
    const blocks = [
      '```yaml\na: 1\n```',
      '```\n temporal CLI\n```',
      '- one\n    two',
      '```sh\nls\n```',
    ];
    deepEqual(strayCommandsOf(blocks.join('\n\n')), []);
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
