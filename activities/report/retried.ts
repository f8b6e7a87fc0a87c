import type { Bucket } from '@google-cloud/storage';
import { runFolder } from '../../domain/names.ts';
import { describeError, http, statusOf } from '../cloud-error.ts';
import { linesOf } from '../list/lines.ts';
import { ObjectWriter } from './object-writer.ts';
import { readResults } from './read-results.ts';
import type { ResultsSource } from './read-results.ts';
import type { ResultLine } from './result-line.ts';

/** Which items of a run are done again. */
export const isRetried = {
  /** What may succeed: failures that may have passed, and what has no outcome. */
  passing: ({ outcome, reason }: ResultLine): boolean =>
    outcome === 'unsettled' || (outcome === 'failed' && reason === 'exhausted'),
  /** All but what is in the bucket. */
  all: ({ outcome }: ResultLine): boolean => outcome !== 'stored' && outcome !== 'skipped',
} as const;

export type RetriedKind = keyof typeof isRetried;

/** A list of keys, as a run takes it. */
export function keyLines(results: readonly ResultLine[]): string {
  return results.map(({ key }) => `${key}\n`).join('');
}

/** Where the list of what is done again lies: gs://…. */
export function retryListAddress(bucket: Bucket, run: string, kind: RetriedKind): string {
  return `gs://${bucket.name}/${nameOf(run, kind)}`;
}

function nameOf(run: string, kind: RetriedKind): string {
  const { retry, retryAll } = runFolder(run);
  return kind === 'all' ? retryAll : retry;
}

/**
 * How many keys the report's list of what is done again holds; null when there is none, for the run was terminated or its report
 * is older than these lists. Memory stays flat.
 */
export async function countRetryList(
  bucket: Bucket,
  run: string,
  kind: RetriedKind,
): Promise<number | null> {
  const name = nameOf(run, kind);
  try {
    let count = 0;
    const chunks = bucket.file(name).createReadStream() as AsyncIterable<Uint8Array>;
    for await (const lines of linesOf(chunks)) count += lines.length;
    return count;
  } catch (cause) {
    if (statusOf(cause) === http.notFound) return null;
    throw new Error(`read gs://${bucket.name}/${name}: ${describeError(cause)}`, { cause });
  }
}

/** Writes that list from snapshot and ledger and gives back how many keys it holds. Memory holds one index range. */
export async function writeRetryList(source: ResultsSource, kind: RetriedKind): Promise<number> {
  const name = nameOf(source.run, kind);
  using list = new ObjectWriter(source.bucket, name, 'text/plain; charset=utf-8');
  let count = 0;
  for await (const results of readResults(source)) {
    const retried = results.filter(isRetried[kind]);
    count += retried.length;
    await list.write(keyLines(retried));
  }
  await list.end();
  return count;
}
