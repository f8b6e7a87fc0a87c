import type { Storage } from '@google-cloud/storage';
import { createReadStream } from 'node:fs';
import { addAbortSignal } from 'node:stream';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import pRetry from 'p-retry';
import { asListedPage, listedPage } from '../../domain/list-address.ts';
import type { ListedAs } from '../../domain/list-address.ts';
import { describeError, isDefinite } from '../cloud-error.ts';
import { ListUnreadable } from './list-unreadable.ts';
import { listByYtDlp } from './yt-dlp-list.ts';
import type { PageListing, YtDlp } from './yt-dlp-list.ts';

/** What reading a list needs. */
export type ListDeps = {
  readonly storage: Storage;
  /** `file://` is for the local stack only: elsewhere it would let a run read the Temporal worker's files. */
  readonly isFileListAllowed: boolean;
  /** What lists pages; absent where this Temporal worker has no yt-dlp. */
  readonly ytDlp?: YtDlp | undefined;
};

/** A list that is not in the run's input. */
export type ListSource = {
  readonly address: string;
  /** What of a page's entries is a key. */
  readonly listedAs: ListedAs;
};

/** Hops that a list's web address may take; browsers allow 20, storage services need two. */
const maxRedirects = 5;

/** Retries of a web address, with pauses from half a second up; after them Temporal retries the whole step. */
const webRetries = 3;

/**
 * Opens a list as a stream of bytes, which the signal breaks off.
 * @throws ListUnreadable when there is no such list, or it is not allowed.
 */
export async function openList(
  deps: ListDeps,
  { address, listedAs }: ListSource,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const page = listedPage(address);
  if (page !== null) return openPage(deps, { address, page, as: listedAs }, signal);
  const scheme = address.split('://', 1)[0];
  if (scheme === 'gs') return addAbortSignal(signal, await openObject(deps.storage, address));
  if (scheme === 'file') return addAbortSignal(signal, await openFile(deps, address));
  return pRetry(() => openWebAddress(address, signal), {
    retries: webRetries,
    minTimeout: 500,
    randomize: true,
    signal,
    shouldRetry: ({ error }) => !(error instanceof ListUnreadable),
  });
}

function openPage(
  { ytDlp }: ListDeps,
  listing: PageListing,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const { address } = listing;
  if (ytDlp === undefined) {
    throw unreadable(
      address,
      'this Temporal worker has no yt-dlp',
      'install it where the Temporal worker runs, or set SPOTLOOP_YTDLP there',
    );
  }
  const url = parseUrl(address, listing.page);
  refusePlainHttp(address, url);
  return listByYtDlp(ytDlp, { ...listing, page: url.href }, signal);
}

async function openObject(storage: Storage, address: string): Promise<Readable> {
  const [, bucket, name] = /^gs:\/\/([^/]+)\/(.+)$/s.exec(address) ?? [];
  if (bucket === undefined || name === undefined) {
    throw unreadable(address, 'it names no object', 'write it like gs://my-bucket/youtube-ids');
  }
  const file = storage.bucket(bucket).file(name);
  try {
    const [metadata] = await file.getMetadata();
    // The generation that was found is read: a list that is replaced meanwhile is never read half and half.
    const generation = metadata.generation;
    return storage
      .bucket(bucket)
      .file(name, generation === undefined ? {} : { generation })
      .createReadStream();
  } catch (error) {
    if (!isDefinite(error)) throw passing(address, error);
    throw unreadable(
      address,
      describeError(error),
      "check bucket, name and the Temporal worker's right to read it",
      error,
    );
  }
}

async function openFile(deps: ListDeps, address: string): Promise<Readable> {
  if (!deps.isFileListAllowed) {
    throw unreadable(
      address,
      'this Temporal worker reads no files of its own machine',
      'put the list into a bucket and give its gs:// address',
    );
  }
  try {
    const stream = createReadStream(fileURLToPath(address));
    await new Promise<void>((resolve, reject) => {
      stream.once('readable', resolve).once('end', resolve).once('error', reject);
    });
    return stream;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const back =
      code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'a folder' : describeError(error);
    throw unreadable(address, back, 'give the absolute path of a text file', error);
  }
}

async function openWebAddress(
  address: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  let url = parseUrl(address, address);
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    // Each hop is checked: an https:// list must not lead to a plain-text or internal http:// address.
    refusePlainHttp(address, url);
    const response = await fetch(url, { redirect: 'manual', signal });
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      url = new URL(location, url);
      continue;
    }
    if (response.ok && response.body !== null) {
      return isHtml(response) ? refuseWebPage(address, response.body) : response.body;
    }
    await response.body?.cancel();
    const back = `${response.status} ${response.statusText}`.trim();
    if (response.status >= 500 || response.status === 429 || response.status === 408) {
      throw passing(address, new Error(back));
    }
    throw unreadable(address, back, 'open the address in a browser to check it');
  }
  throw unreadable(address, `more than ${maxRedirects} redirects`, "give the list's final address");
}

/** Some servers call a list HTML that is none: so its beginning is looked at, too. */
function isHtml(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/html') === true;
}

async function* refuseWebPage(
  address: string,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let isBeginning = true;
  for await (const chunk of body) {
    const text: string = isBeginning ? Buffer.from(chunk).toString('utf8').trimStart() : '';
    if (text.startsWith('<')) {
      throw unreadable(
        address,
        'a web page, not a list',
        `give the address of a text file; for what yt-dlp lists on that page, write ${asListedPage(address)}`,
      );
    }
    isBeginning &&= text === '';
    yield chunk;
  }
}

function parseUrl(address: string, text: string): URL {
  try {
    return new URL(text);
  } catch (error) {
    throw unreadable(address, 'not a web address', 'write it like https://host/path', error);
  }
}

function refusePlainHttp(address: string, { protocol, hostname }: URL): void {
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return;
  throw unreadable(
    address,
    `${protocol}// is not read from ${hostname}`,
    'use https://; plain http:// is for 127.0.0.1 only',
  );
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

function unreadable(address: string, back: string, hint: string, cause?: unknown): ListUnreadable {
  return new ListUnreadable(`read list ${address}: ${back} — ${hint}`, { cause });
}

function passing(address: string, cause: unknown): Error {
  return new Error(`read list ${address}: ${describeError(cause)} — it is tried again`, { cause });
}
