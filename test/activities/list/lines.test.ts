import { deepEqual, ok } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { linesOf } from '../../../activities/list/lines.ts';
import { decodeListLine } from '../../../domain/list-line.ts';
import { objectName } from '../../../domain/object-name.ts';
import { chunksOf } from '../../support/foreign.ts';
import { fuzz } from '../../support/fuzz.ts';

async function linesIn(chunks: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const stream = (async function* () {
    yield* chunks;
  })();
  const lines: Uint8Array[] = [];
  for await (const batch of linesOf(stream)) lines.push(...batch);
  return lines;
}

async function split(chunks: Uint8Array[]): Promise<string[]> {
  return (await linesIn(chunks)).map((line) => Buffer.from(line).toString('utf8'));
}

/** What lines are, said of all bytes at once. */
function linesOfWhole(bytes: Buffer): Uint8Array[] {
  const lines: Buffer[] = [];
  let rest = bytes;
  for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
    lines.push(rest.subarray(0, end));
    rest = rest.subarray(end + 1);
  }
  if (rest.length > 0) lines.push(rest);
  return lines.map((line, at) => {
    const isMarked = at === 0 && line.subarray(0, 3).equals(Buffer.from('\uFEFF'));
    return line.subarray(isMarked ? 3 : 0, line.at(-1) === 0x0d ? -1 : undefined);
  });
}

describe('linesOf', () => {
  it('splits the same wherever the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.stringMatching(/^[a-z🎬]{0,5}$/u), { minLength: 1, maxLength: 20 }),
        fc.constantFrom('\n', '\r\n'),
        fc.array(fc.nat(60), { maxLength: 8 }),
        async (lines, end, cuts) => {
          const bytes = Buffer.from(`\uFEFF${lines.join(end)}${end}`);
          const places = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length)])].toSorted(
            (a, b) => a - b,
          );
          const chunks = places.map((from, at) => bytes.subarray(from, places[at + 1]));
          deepEqual(await split(chunks), lines);
        },
      ),
    );
  });

  it('reads the same of any bytes, wherever the chunks end', async () => {
    const piece = fc.oneof(
      fc
        .constantFrom(
          '\n',
          '\r\n',
          '\r',
          '\uFEFF',
          '\0',
          ' ',
          'é',
          '🎬',
          'x'.repeat(1_024),
          'y'.repeat(3_000),
        )
        .map((text) => Buffer.from(text)),
      fc.constantFrom(Buffer.of(0xef, 0xbb), Buffer.of(0xff), gzipSync('a\nb\n')),
      fc.uint8Array({ maxLength: 9 }),
    );
    const bytes = fc.array(piece, { maxLength: 12 }).map((all) => Buffer.concat(all));
    await fuzz(
      fc.asyncProperty(chunksOf(bytes), async (chunks) => {
        const whole = Buffer.concat(chunks);
        const read = (await linesIn(chunks)).map(decodeListLine);
        deepEqual(read, linesOfWhole(whole).map(decodeListLine));
        const keys = read.flatMap((line) => (line.kind === 'key' ? [line.key] : []));
        for (const key of keys) ok(objectName('', key, '').length > 0);
        // A shard is one key a line, and is read by the same reader.
        const shard = Buffer.from(keys.map((key) => `${key}\n`).join(''));
        const back = (await linesIn([shard])).map(decodeListLine);
        deepEqual(
          back,
          keys.map((key) => ({ kind: 'key', key })),
        );
      }),
    );
  });

  it('gives the last line without its end too', async () => {
    deepEqual(await split([Buffer.from('a\nb')]), ['a', 'b']);
  });

  it('gives nothing for nothing', async () => {
    deepEqual(await split([]), []);
  });

  it('keeps little of a line that does not end', async () => {
    const megabyte = Buffer.alloc(1_000_000, 'x');
    const [line, ...rest] = await split([megabyte, megabyte, megabyte, Buffer.from('\nb')]);
    ok(line !== undefined && line.length > 1_024 && line.length < 2_000);
    deepEqual(rest, ['b']);
  });
});
