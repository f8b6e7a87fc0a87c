import type { Bucket, GetFilesOptions } from '@google-cloud/storage';
import { nameRange, takeHalf } from './name-ranges.ts';
import type { NameRange } from './name-ranges.ts';
import { inBucket } from './name-table.ts';
import type { NameTable } from './name-table.ts';

/** Cloud Storage gives 1,000 names a page whatever is asked; the local storage server walks all its files for each page. */
const namesPerPage = 10_000;

/** Requests at once; a quarter of the 64 connections that keep one process busy. */
const lookupsAtOnce = 16;

/**
 * Lists in flight: a thousand pages of a tenth of a second each, one after the other, would be minutes. More than 16 only queue for the
 * one core that reads their answers.
 */
const listsAtOnce = 16;

type Listing = {
  readonly bucket: Bucket;
  readonly prefix: string;
  readonly table: NameTable;
  readonly signal: AbortSignal;
  /** Names asked for at a time; {@link namesPerPage} unless a test has fewer names than that. */
  readonly pageNames?: number;
};

/** Marks every object name right under the prefix as in the bucket. Names below a further "/" cannot be items'. */
export async function markListedNames(listing: Listing): Promise<void> {
  const ranges = new Set<NameRange>([nameRange(listing.prefix, undefined)]);
  const failed = new AbortController();
  const signal = AbortSignal.any([listing.signal, failed.signal]);
  await new Promise<void>((resolve, reject) => {
    const fill = () => {
      while (ranges.size < listsAtOnce && !signal.aborted) {
        const half = takeHalf(ranges, listing.prefix);
        if (half === null) return;
        ranges.add(half);
        list(half);
      }
    };
    const list = (range: NameRange) => {
      markRange({ ...listing, signal }, range, fill).then(
        () => {
          ranges.delete(range);
          if (ranges.size === 0) resolve();
          else fill();
        },
        (error: unknown) => {
          failed.abort(error);
          reject(error);
        },
      );
    };
    for (const range of ranges) list(range);
  });
}

/** Lists a range page by page, to its end as it is when it gets there: the upper half may be given away meanwhile. */
async function markRange(listing: Listing, range: NameRange, onPage: () => void): Promise<void> {
  const { bucket, prefix, table, signal, pageNames = namesPerPage } = listing;
  const query: GetFilesOptions = {
    prefix,
    delimiter: '/',
    autoPaginate: false,
    maxResults: pageNames,
    fields: 'items(name),nextPageToken',
    // A page token belongs to the query that gave it: this stays as it is when the range's end moves.
    ...(range.from === prefix ? {} : { startOffset: range.from }),
    ...(range.to === undefined ? {} : { endOffset: range.to }),
  };
  let pageToken: string | undefined;
  do {
    signal.throwIfAborted();
    const page = pageToken === undefined ? query : { ...query, pageToken };
    const [files, next] = await bucket.getFiles(page);
    for (const { name } of files) table.mark(name, inBucket);
    range.seen = files.at(-1)?.name ?? range.seen;
    range.pages += 1;
    pageToken = (next as { pageToken?: string } | null)?.pageToken;
    if (range.to !== undefined && range.seen >= range.to) return;
    if (pageToken !== undefined) onPage();
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
