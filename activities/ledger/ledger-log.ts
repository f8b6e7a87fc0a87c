import type { Bucket, File } from '@google-cloud/storage';
import { runFolder } from '../../domain/names.ts';
import type { Outcome } from '../../domain/outcome.ts';
import { saveObject } from '../../storage/save-object.ts';
import { describeError, http, statusOf } from '../cloud-error.ts';
import { decodePart, encodePart } from './ledger-part.ts';

/**
 * The ledger of a run is a log of parts, numbered from 0 without gaps, each created once and never changed
 * (docs/decisions/0002-ledger-is-a-log-of-create-only-parts.md):
 *
 * L1  Part n is created only after part n-1 is known to exist, with `ifGenerationMatch: 0`.
 * L2  Every part that exists counts. Messages are acked only after a part with their outcomes exists.
 * L3  What the ledger says is a function of its parts in order, so every reader comes to the same counts.
 */

/** Who created a part, in its custom metadata. */
export type PartWriter = {
  /** Unique per collector; a part that carries one's own id is one's own success, seen late. */
  readonly id: string;
  /** When Temporal scheduled the collector's attempt, Unix ms on the server's clock: the larger is the newer. */
  readonly scheduledAtMs: number;
};

export type PartCreation =
  | { readonly kind: 'created' }
  /** Another collector was first. */
  | { readonly kind: 'taken'; readonly by: PartWriter };

/** One of a run's parts. */
export type LedgerPart = { readonly part: number; readonly outcomes: Outcome[] };

/** Parts in flight while reading: a part is small and a request is slow, yet four parts are some 20 MB at most. */
const readAhead = 4;

/** Cloud Storage lists at most 1,000 objects a page. */
const pageSize = 1_000;

/** @throws Error when the bucket can't be written. */
export async function createPart(
  bucket: Bucket,
  place: { run: string; part: number; writer: PartWriter },
  outcomes: readonly Outcome[],
): Promise<PartCreation> {
  const file = bucket.file(runFolder(place.run).ledgerPart(place.part));
  const { id, scheduledAtMs } = place.writer;
  try {
    await saveObject(file, await encodePart(outcomes), {
      preconditionOpts: { ifGenerationMatch: 0 },
      metadata: {
        contentType: 'application/gzip',
        metadata: { writer: id, scheduledAtMs: String(scheduledAtMs) },
      },
    });
    return { kind: 'created' };
  } catch (cause) {
    if (statusOf(cause) !== http.conditionFailed) throw cannot('create', file, cause);
  }
  const by = await readWriter(file);
  return by.id === id ? { kind: 'created' } : { kind: 'taken', by };
}

async function readWriter(file: File): Promise<PartWriter> {
  const [{ metadata }] = await file.getMetadata();
  return { id: String(metadata?.['writer']), scheduledAtMs: Number(metadata?.['scheduledAtMs']) };
}

/**
 * The parts from `firstPart` on, in order, read ahead a few at a time, so memory stays flat.
 * @throws Error that names the part when one is missing or damaged.
 */
export async function* readParts(
  bucket: Bucket,
  run: string,
  firstPart = 0,
): AsyncGenerator<LedgerPart> {
  const ahead: { part: number; outcomes: Promise<Outcome[]> }[] = [];
  for await (const part of listParts(bucket, run, firstPart)) {
    const outcomes = readPart(bucket, run, part);
    outcomes.catch(() => {});
    ahead.push({ part, outcomes });
    if (ahead.length >= readAhead) yield await landed(ahead.shift());
  }
  while (ahead.length > 0) yield await landed(ahead.shift());
}

async function landed(
  next: { part: number; outcomes: Promise<Outcome[]> } | undefined,
): Promise<LedgerPart> {
  if (next === undefined) throw new Error('read ledger: nothing was read ahead');
  return { part: next.part, outcomes: await next.outcomes };
}

async function* listParts(bucket: Bucket, run: string, firstPart: number): AsyncGenerator<number> {
  const folder = runFolder(run);
  const prefix = folder.ledgerPart(0).replace(/\d+\.jsonl\.gz$/, '');
  let expected = firstPart;
  for await (const name of listNames(bucket, prefix, folder.ledgerPart(firstPart))) {
    const part = Number(name.slice(prefix.length).replace('.jsonl.gz', ''));
    if (part < firstPart) continue;
    if (part !== expected) {
      throw new Error(
        `read ledger gs://${bucket.name}/${folder.ledger}: part ${expected} is missing though part ${part} exists — ` +
          `restore ${folder.ledgerPart(expected)}, for parts are never deleted`,
      );
    }
    yield part;
    expected += 1;
  }
}

/** Object names under a prefix in order, page by page. */
export async function* listNames(
  bucket: Bucket,
  prefix: string,
  startOffset?: string,
): AsyncGenerator<string> {
  let pageToken: string | undefined;
  do {
    const [files, next] = await bucket.getFiles({
      prefix,
      startOffset,
      autoPaginate: false,
      maxResults: pageSize,
      pageToken,
      fields: 'items(name),nextPageToken',
    });
    for (const file of files) yield file.name;
    pageToken = (next as { pageToken?: string } | null)?.pageToken;
  } while (pageToken !== undefined);
}

async function readPart(bucket: Bucket, run: string, part: number): Promise<Outcome[]> {
  const file = bucket.file(runFolder(run).ledgerPart(part));
  try {
    const [bytes] = await file.download({ decompress: false });
    return await decodePart(bytes);
  } catch (cause) {
    throw cannot('read', file, cause);
  }
}

function cannot(verb: string, file: File, cause: unknown): Error {
  return new Error(
    `${verb} ledger part gs://${file.bucket.name}/${file.name}: ${describeError(cause)}`,
    { cause },
  );
}
