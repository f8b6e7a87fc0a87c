import { deepEqual, match, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { decodePart, encodePart } from '../../../activities/ledger/ledger-part.ts';
import type { Outcome } from '../../../domain/outcome.ts';
import { damage, harms, spoiled } from '../../support/foreign.ts';
import { fuzz } from '../../support/fuzz.ts';
import { outcomeOf, stored } from './arbitrary-outcomes.ts';

/** JSON knows no minus zero. */
function asRead(outcomes: readonly Outcome[]): unknown {
  return JSON.parse(JSON.stringify(outcomes));
}

test('a part gives back the outcomes it was made of', async () => {
  await fuzz(
    fc.asyncProperty(fc.array(outcomeOf(1_000)), async (outcomes) => {
      const bytes = await encodePart(outcomes);
      deepEqual(await decodePart(bytes), asRead(outcomes));
      deepEqual(await encodePart(outcomes), bytes);
    }),
    0.5,
  );
});

test('refuses bytes that are no part', async () => {
  await fuzz(
    fc.asyncProperty(fc.uint8Array({ minLength: 1 }), (bytes) => rejects(decodePart(bytes))),
    0.5,
  );
  await rejects(decodePart(gzipSync('{"kind":"stored"}\n')), /line 1/);
});

test('a part that is damaged is refused, or says what it said before', async () => {
  await fuzz(
    fc.asyncProperty(
      fc.array(outcomeOf(9), { maxLength: 9 }),
      harms,
      async (outcomes, befallen) => {
        const bytes = damage(await encodePart(outcomes), befallen);
        const read = await decodePart(bytes).catch((error: unknown) => error as Error);
        if (!(read instanceof Error)) deepEqual(read, asRead(outcomes));
      },
    ),
  );
});

test('lines that are no outcomes are named, and what is read can be written again', async () => {
  const line = spoiled(fc.constant(stored(3)));
  await fuzz(
    fc.asyncProperty(fc.array(line, { maxLength: 5 }), async (lines) => {
      const bytes = gzipSync(lines.map((text) => `${text}\n`).join(''));
      const read = await decodePart(bytes).catch((error: unknown) => error as Error);
      if (read instanceof Error)
        match(read.message, /^decode outcome in line \d+: not an outcome$/);
      else
        deepEqual(
          await encodePart(await decodePart(await encodePart(read))),
          await encodePart(read),
        );
    }),
  );
});

test('a part that swells beyond all bounds is refused before it has', async () => {
  // Gzip may be of many members, which makes this one quickly.
  const member = gzipSync(Buffer.alloc(1024 ** 2));
  await rejects(
    decodePart(Buffer.concat(Array.from({ length: 300 }, () => member))),
    /larger than/,
  );
});
