import { deepEqual } from 'node:assert/strict';
import fc from 'fast-check';

/** Runs of each property in a usual test run: together they take seconds. A hunt takes more: docs/reliability.md. */
const usualRuns = 100;

/** A property whose one run is dear, such as one that writes to a bucket, has fewer of them. */
const fewestRuns = 5;

/** How a hunt is told what to do; seed and path are what fast-check prints when it finds something. */
const variables = {
  runs: process.env['FAST_CHECK_RUNS'],
  seed: process.env['FAST_CHECK_SEED'],
  path: process.env['FAST_CHECK_PATH'],
};

const ownOfPrototypes = () =>
  [Object.prototype, Array.prototype, Function.prototype].map((one) => Reflect.ownKeys(one));
const before = ownOfPrototypes();

/**
 * Tries a property on what strangers may send, and that nothing of it has got into a prototype that all objects share.
 * @param share of the usual number of runs.
 * @param examples tried before all else: a mutation must be noticed in every run, not by luck.
 */
export async function fuzz(
  property: fc.IRawProperty<unknown, false> | fc.IRawProperty<unknown, true>,
  share = 1,
  examples: readonly (readonly unknown[])[] = [],
): Promise<void> {
  const runs = Number(variables.runs ?? usualRuns);
  await fc.assert(property as fc.IAsyncProperty<unknown>, {
    numRuns: Math.max(fewestRuns, Math.ceil(runs * share)),
    examples: examples.map((one) => [...one] as [unknown]),
    ...(variables.seed === undefined ? {} : { seed: Number(variables.seed) }),
    ...(variables.path === undefined ? {} : { path: variables.path, endOnFailure: true }),
  });
  deepEqual(ownOfPrototypes(), before, 'a prototype was changed');
}
