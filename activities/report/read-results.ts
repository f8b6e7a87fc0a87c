import type { Bucket } from '@google-cloud/storage';
import { runFolder } from '../../domain/names.ts';
import { itemsPerShard, presentOf } from '../../domain/snapshot.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import { readGoneKeys } from '../gone/gone-memory.ts';
import { readParts } from '../ledger/ledger-log.ts';
import { readShard } from '../publish/shard-reader.ts';
import { OutcomesByRange } from './outcomes-by-range.ts';
import { resultOf, resultOfGone, resultOfPresent } from './result-line.ts';
import type { NamingSpec, ResultLine } from './result-line.ts';

/** Which run's results to read, and from where. */
export type ResultsSource = {
  readonly bucket: Bucket;
  readonly run: string;
  readonly spec: NamingSpec;
  readonly snapshot: Snapshot;
};

/**
 * How every item of a run ended, in the order of their indices, some at a time: ledger and snapshot merged one index
 * range at a time, so memory stays flat.
 */
export async function* readResults(source: ResultsSource): AsyncGenerator<ResultLine[]> {
  yield* readPublished(source);
  yield* readPresent(source);
  yield* readGone(source);
}

async function* readPublished(source: ResultsSource): AsyncGenerator<ResultLine[]> {
  const { bucket, run, snapshot } = source;
  await using outcomes = new OutcomesByRange(snapshot.published);
  for await (const part of readParts(bucket, run)) await outcomes.add(part.outcomes);
  const { newShard } = runFolder(run);
  for (const { shard, size } of shardSizes(snapshot.published)) {
    const settled = await outcomes.read(shard);
    let offset = 0;
    for await (const keys of readShard(bucket, {
      name: newShard(shard, snapshot.attempt),
      from: 0,
      size,
    })) {
      const first = offset;
      yield keys.map((key, at) =>
        resultOf(key, shard * itemsPerShard + first + at, settled.get(first + at)),
      );
      offset += keys.length;
    }
  }
}

async function* readPresent(source: ResultsSource): AsyncGenerator<ResultLine[]> {
  const { bucket, run, snapshot, spec } = source;
  const { presentShard } = runFolder(run);
  let index = snapshot.published;
  for (const { shard, size } of shardSizes(presentOf(snapshot))) {
    for await (const keys of readShard(bucket, {
      name: presentShard(shard, snapshot.attempt),
      from: 0,
      size,
    })) {
      const first = index;
      yield keys.map((key, at) => resultOfPresent(key, first + at, spec));
      index += keys.length;
    }
  }
}

async function* readGone({ bucket, run, snapshot }: ResultsSource): AsyncGenerator<ResultLine[]> {
  const { total, gone = 0, attempt } = snapshot;
  const { goneShard } = runFolder(run);
  let index = total - gone;
  for (const { shard, size } of shardSizes(gone)) {
    const name = goneShard(shard, attempt);
    const end = index + size;
    for await (const keys of readGoneKeys(bucket, name)) {
      const first = index;
      yield keys.map((key, at) => resultOfGone(key, first + at));
      index += keys.length;
    }
    if (index === end) continue;
    const found = index - end + size;
    throw new Error(`read shard ${name}: ${found} keys instead of ${size} — it was changed`);
  }
}

function shardSizes(items: number): { shard: number; size: number }[] {
  return Array.from({ length: Math.ceil(items / itemsPerShard) }, (_, shard) => ({
    shard,
    size: Math.min(itemsPerShard, items - shard * itemsPerShard),
  }));
}
