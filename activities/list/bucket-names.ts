import type { Bucket } from '@google-cloud/storage';
import { inBucket } from './name-table.ts';
import type { NameTable } from './name-table.ts';

/** Cloud Storage gives 1,000 names a page whatever is asked; the local storage server walks all its files for each page. */
const namesPerPage = 10_000;

/** Requests at once; a quarter of the 64 connections that keep one process busy. */
const lookupsAtOnce = 16;

/** Marks every object name right under the prefix as in the bucket. Names below a further "/" cannot be items'. */
export async function markListedNames(
  bucket: Bucket,
  prefix: string,
  table: NameTable,
  signal: AbortSignal,
): Promise<void> {
  let pageToken: string | undefined;
  do {
    signal.throwIfAborted();
    const [files, next] = await bucket.getFiles({
      prefix,
      delimiter: '/',
      autoPaginate: false,
      maxResults: namesPerPage,
      fields: 'items(name),nextPageToken',
      ...(pageToken === undefined ? {} : { pageToken }),
    });
    for (const file of files) table.mark(file.name, inBucket);
    pageToken = (next as { pageToken?: string } | null)?.pageToken;
  } while (pageToken !== undefined);
}

/** Looks up each of a few names, and marks those that are in the bucket. */
export async function markFoundNames(
  bucket: Bucket,
  names: readonly string[],
  table: NameTable,
  signal: AbortSignal,
): Promise<void> {
  let next = 0;
  const lookUp = async () => {
    for (let name = names[next++]; name !== undefined; name = names[next++]) {
      signal.throwIfAborted();
      const [exists] = await bucket.file(name).exists();
      if (exists) table.mark(name, inBucket);
    }
  };
  await Promise.all(Array.from({ length: lookupsAtOnce }, lookUp));
}
