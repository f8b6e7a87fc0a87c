import { deepEqual, ok } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { linesOf } from '../../../activities/list/lines.ts';

async function split(chunks: Uint8Array[]): Promise<string[]> {
  const stream = (async function* () {
    yield* chunks;
  })();
  const lines: string[] = [];
  for await (const batch of linesOf(stream)) {
    lines.push(...batch.map((line) => Buffer.from(line).toString('utf8')));
  }
  return lines;
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
