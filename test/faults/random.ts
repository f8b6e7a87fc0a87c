import { randomInt } from 'node:crypto';

/** Numbers 0 ≤ x < 1 that follow from a seed, which is printed: what a test did by chance can be done again. */
export function seededRandom(name: string): () => number {
  const seed = Number(process.env['SPOTLOOP_TEST_SEED'] ?? randomInt(2 ** 31));
  process.stderr.write(`${name}: SPOTLOOP_TEST_SEED=${seed}\n`);
  let state = seed >>> 0;
  // Mulberry32: github.com/cprosche/mulberry32
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
