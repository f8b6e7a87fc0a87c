import { deepEqual, equal, match } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeListLine, maxLineBytes, nameCheck, readListLine } from '../../domain/list-line.ts';
import { maxSuffixBytes } from '../../domain/side-files.ts';
import { maxObjectNameBytes, objectName } from '../../domain/object-name.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('decodeListLine', () => {
  const keys: [string, string][] = [
    ['dQw4w9WgXcQ', 'dQw4w9WgXcQ'],
    ['-rf', '-rf'],
    ['../../x', '../../x'],
    ['a/b', 'a/b'],
    [';rm -rf ~', ';rm -rf ~'],
    ['$(x)', '$(x)'],
    ['  padded\t', 'padded'],
    ['\uFEFFbom', 'bom'],
    ['crlf\r', 'crlf'],
    ['two words', 'two words'],
    ['🎬', '🎬'],
    ['x'.repeat(maxLineBytes), 'x'.repeat(maxLineBytes)],
  ];
  for (const [line, key] of keys) {
    it(`reads ${JSON.stringify(line.slice(0, 20))} as ${JSON.stringify(key.slice(0, 20))}`, () => {
      deepEqual(decodeListLine(bytes(line)), { kind: 'key', key });
    });
  }

  for (const line of ['', ' ', '\t \r', '\uFEFF']) {
    it(`takes ${JSON.stringify(line)} as blank`, () => {
      deepEqual(decodeListLine(bytes(line)), { kind: 'blank' });
    });
  }

  const problems: [string, Uint8Array, RegExp][] = [
    ['a byte that is not UTF-8', Uint8Array.of(0x61, 0xff), /not valid UTF-8/],
    ['an encoded surrogate', Uint8Array.of(0xed, 0xa0, 0x80), /not valid UTF-8/],
    ['one byte too many', bytes('x'.repeat(maxLineBytes + 1)), /longer than 1024 bytes/],
    ['few characters of many bytes', bytes('🎬'.repeat(257)), /longer than 1024 bytes/],
    ['a null', bytes('a\0b'), /control character U\+0000/],
    ['a tab inside', bytes('a\tb'), /control character U\+0009/],
    ['a bare carriage return inside', bytes('a\rb'), /control character U\+000D/],
    ['a C1 control character', bytes('a\u0085b'), /control character U\+0085/],
  ];
  for (const [what, line, pattern] of problems) {
    it(`refuses ${what}`, () => {
      const read = decodeListLine(line);
      equal(read.kind, 'problem');
      match(read.kind === 'problem' ? read.problem : '', pattern);
    });
  }

  it('gives every key that it accepts back when it reads it again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (line) => {
        const read = decodeListLine(line);
        if (read.kind === 'key') deepEqual(decodeListLine(bytes(read.key)), read);
      }),
    );
  });

  it('accepts no key that would break a shard of one key a line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (line) => {
        const read = readListLine(line);
        if (read.kind === 'key') equal(/[\n\r]/.test(read.key) || read.key.trim() === '', false);
      }),
    );
  });
});

describe('readListLine', () => {
  it('refuses half a surrogate pair, which no object name can hold', () => {
    deepEqual(readListLine('a\ud800'), { kind: 'problem', problem: 'not valid Unicode' });
  });

  it('refuses a line feed within an entry', () => {
    equal(readListLine('a\nb').kind, 'problem');
  });
});

describe('nameCheck', () => {
  it('refuses exactly the names that are longer than Cloud Storage allows', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 30 }).map((text) => (text === '' ? '' : `${text}/`)),
        fc.string({ unit: 'grapheme', minLength: 250, maxLength: 1_000 }),
        fc.constantFrom('', 'mp4'),
        (prefix, key, extension) => {
          const fits = bytes(objectName(prefix, key, extension)).length <= maxObjectNameBytes;
          equal(nameCheck({ prefix, extension })(key) === null, fits);
        },
      ),
    );
  });

  it('refuses a last component that is longer than a file name may be', () => {
    const check = nameCheck({ prefix: 'videos/', extension: 'mp4', maxComponentBytes: 255 });
    equal(check('x'.repeat(251)), null);
    match(check('x'.repeat(252)) ?? '', /256 bytes, more than the 255/);
    match(check('é'.repeat(42)) ?? '', /more than the 255/);
  });

  it('leaves room for side files, where there are any', () => {
    const limits = { prefix: '', extension: 'mp4', maxComponentBytes: 255 };
    const check = nameCheck({ ...limits, sideSuffixBytes: maxSuffixBytes });
    const longest = 'x'.repeat(255 - maxSuffixBytes);
    equal(check(longest), null);
    match(check(`${longest}x`) ?? '', /256 bytes/);
  });
});
