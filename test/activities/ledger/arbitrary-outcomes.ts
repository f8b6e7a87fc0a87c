import fc from 'fast-check';
import type { Outcome } from '../../../domain/outcome.ts';

/** Outcomes of any kind for the first `items` indices, and a few beyond them. */
export function outcomeOf(items: number): fc.Arbitrary<Outcome> {
  const settling = {
    index: fc.nat(items + 1),
    attempts: fc.nat(5),
    seconds: fc.float({ min: 0, max: 1e5, noNaN: true }),
    atMs: fc.nat(2_000_000_000),
  };
  const object = {
    object: fc.option(fc.string()),
    sizeBytes: fc.nat(1_000),
    crc32c: fc.option(fc.string()),
  };
  return fc.oneof(
    fc.record({ kind: fc.constant('stored' as const), ...settling, ...object }),
    fc.record({ kind: fc.constant('skipped' as const), ...settling, ...object }),
    fc.record({
      kind: fc.constant('failed' as const),
      ...settling,
      reason: fc.constantFrom('permanent' as const, 'exhausted' as const),
      error: fc.string({ unit: 'binary', maxLength: 200 }),
    }),
    fc.record({ kind: fc.constant('quarantined' as const), ...settling, deaths: fc.nat(9) }),
  );
}

/** A stored outcome of 100 bytes, or what the rest says. */
export function stored(
  index: number,
  rest: { sizeBytes?: number; seconds?: number } = {},
): Outcome {
  return {
    kind: 'stored',
    index,
    attempts: 1,
    seconds: 1,
    atMs: 1_000,
    object: `videos/${index}.mp4`,
    sizeBytes: 100,
    crc32c: 'AAAAAA==',
    ...rest,
  };
}

export function failed(index: number, error = 'gone'): Outcome {
  return {
    kind: 'failed',
    index,
    attempts: 1,
    seconds: 1,
    atMs: 1_000,
    reason: 'permanent',
    error,
  };
}
