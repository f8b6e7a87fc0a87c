import { deepEqual, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { decodePart, encodePart } from '../../../activities/ledger/ledger-part.ts';
import { outcomeOf } from './arbitrary-outcomes.ts';

test('a part gives back the outcomes it was made of', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(outcomeOf(1_000)), async (outcomes) => {
      const read = await decodePart(await encodePart(outcomes));
      // JSON knows no minus zero.
      deepEqual(read, JSON.parse(JSON.stringify(outcomes)));
    }),
    { numRuns: 50 },
  );
});

test('refuses bytes that are no part', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1 }), (bytes) => rejects(decodePart(bytes))),
    { numRuns: 50 },
  );
  await rejects(decodePart(gzipSync('{"kind":"stored"}\n')), /line 1/);
});
