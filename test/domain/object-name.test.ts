import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeKey, encodeKey, objectName } from '../../domain/object-name.ts';
import { foreignText } from '../support/foreign.ts';
import { fuzz } from '../support/fuzz.ts';

describe('objectName', () => {
  const table: [string, string][] = [
    ['dQw4w9WgXcQ', 'dQw4w9WgXcQ'],
    ['-rf', '-rf'],
    ['../../x', '..%2F..%2Fx'],
    ['a/b', 'a%2Fb'],
    ['.', '%2E'],
    ['..', '%2E%2E'],
    ['a%2Fb', 'a%252Fb'],
    [';rm -rf ~', '%3Brm%20-rf%20~'],
    ['$(x)', '%24%28x%29'],
    ["it's!", 'it%27s%21'],
    ['🎬', '%F0%9F%8E%AC'],
    ['https://a.b/c?d=e', 'https%3A%2F%2Fa.b%2Fc%3Fd%3De'],
  ];
  for (const [key, encoded] of table) {
    it(`names ${JSON.stringify(key)} ${encoded}`, () => {
      assert.equal(objectName('videos/', key, 'mp4'), `videos/${encoded}.mp4`);
    });
  }

  it('writes no dot where there is no extension', () => {
    assert.equal(objectName('', 'a', ''), 'a');
  });

  const keys = fc.string({ unit: 'grapheme', minLength: 1 });

  it('gives every key back', async () => {
    const any = fc.oneof(keys, foreignText).filter((key) => key.isWellFormed());
    await fuzz(fc.property(any, (key) => assert.equal(decodeKey(encodeKey(key)), key)));
  });

  it('is told apart from the name of every other key, and is itself a key whose name differs', async () => {
    const any = foreignText.filter((key) => key.isWellFormed() && key !== '');
    const like: ((key: string) => string)[] = [
      (key) => `${key} `,
      (key) => ` ${key}`,
      (key) => `${key}.`,
      (key) => `${key}/`,
      (key) => `${key}.mp4`,
      (key) => key.toUpperCase(),
      (key) => key.toLowerCase(),
      (key) => key.normalize('NFD'),
      (key) => key.normalize('NFC'),
      encodeURIComponent,
      encodeKey,
    ];
    const pair = fc.oneof(
      fc.tuple(any, any),
      fc.tuple(any, fc.constantFrom(...like)).map(([key, alike]) => [key, alike(key)] as const),
    );
    await fuzz(
      fc.property(pair, fc.constantFrom('', 'mp4'), ([one, other], extension) => {
        const names = [one, other].map((key) => objectName('v/', key, extension));
        assert.equal(names[0] === names[1], one === other);
        // A list may hold both a key and its encoded form.
        if (/%/.test(encodeKey(one))) assert.notEqual(encodeKey(encodeKey(one)), encodeKey(one));
      }),
      1,
      [
        [['a', 'a '], ''],
        [['a', ' a'], 'mp4'],
      ],
    );
  });

  it('never leaves the prefix and never is a dot name', async () => {
    const any = fc.oneof(keys, fc.stringMatching(/^[./%\\]{1,6}$/), foreignText);
    await fuzz(
      fc.property(any, (key) => {
        fc.pre(key !== '' && key.isWellFormed());
        const encoded = encodeKey(key);
        assert.match(encoded, /^[A-Za-z0-9\-_.~%]+$/);
        assert.doesNotMatch(encoded, /^\.+$/);
      }),
      1,
      [['../../x'], ['a/b'], ['.'], ['..'], ['...']],
    );
  });
});
