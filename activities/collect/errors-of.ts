import { log } from '@temporalio/activity';
import { runFolder } from '../../domain/names.ts';
import { countErrors, exampleOf } from '../../domain/run-errors.ts';
import type { ErrorCounts } from '../../domain/run-errors.ts';
import { itemsPerShard, shardOf } from '../../domain/snapshot.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import { readShard } from '../publish/shard-reader.ts';
import type { Desk } from './desk.ts';

/**
 * The most frequent errors of a run, with the keys of their examples: read from the snapshot once each, for examples are the
 * first items that came with an error. Where that fails, errors are told without examples: they are a service, and outcomes
 * must not wait for it.
 * @param known how many errors the run knows already.
 * @returns undefined when it knows all.
 */
export async function errorsOf(
  desk: Desk,
  snapshot: Snapshot,
  known: number,
): Promise<ErrorCounts | undefined> {
  const top = desk.ledger.failures.top();
  if (countErrors(top) === known) return undefined;
  const indices = top.errors.flatMap(({ examples }) => examples);
  await readKeys(desk, snapshot, indices).catch((error: unknown) => {
    log.warn('could not read the keys of examples of errors', { error });
  });
  const keysOf = (examples: readonly number[]): string[] =>
    examples.flatMap((index) => desk.exampleKeys.get(index) ?? []);
  const errors = top.errors.map((one) => ({ ...one, examples: keysOf(one.examples) }));
  return { errors, others: top.others };
}

/** Shard by shard, each from its first example on. */
async function readKeys(desk: Desk, snapshot: Snapshot, indices: readonly number[]): Promise<void> {
  const { bucket, run, exampleKeys } = desk;
  const missing = indices.filter((index) => !exampleKeys.has(index)).toSorted((a, b) => a - b);
  const byShard = Map.groupBy(missing, (index) => shardOf(index).shard);
  for (const [shard, wanted] of byShard) {
    const name = runFolder(run.name).newShard(shard, snapshot.attempt);
    const from = shardOf(wanted[0] ?? 0).offset;
    const size = Math.min(itemsPerShard, snapshot.published - shard * itemsPerShard);
    let index = shard * itemsPerShard + from;
    for await (const keys of readShard(bucket, { name, from, size })) {
      for (const at of wanted) {
        const key = keys[at - index];
        if (key !== undefined) exampleKeys.set(at, exampleOf(key));
      }
      index += keys.length;
    }
  }
}
