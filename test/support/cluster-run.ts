import assert from 'node:assert/strict';
import type { RunResult } from '../../domain/progress.ts';
import { assertDone, assertNoQueue } from './clip-run.ts';
import type { ClipRun } from './clip-run.ts';
import { jobsOf, podsOf } from './cluster-pods.ts';
import type { ClusterStack } from './cluster-stack.ts';

/** As {@link assertDone}, and nothing is left in the cluster. */
export async function assertExact(world: ClusterStack, run: ClipRun): Promise<RunResult> {
  const result = await assertDone(world, run);
  await assertNothingLeft(world, run);
  return result;
}

/** Neither Job nor pod nor topic of the run is there any more. */
export async function assertNothingLeft(
  world: ClusterStack,
  run: ClipRun,
  namespace: string = world.namespace,
): Promise<void> {
  assert.deepEqual(await jobsOf(world, run, namespace), [], 'Jobs are left');
  assert.deepEqual(await podsOf(world, run, namespace), [], 'pods are left');
  await assertNoQueue(world, run);
}
