import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Bucket, File } from '@google-cloud/storage';
import { formatBytes } from '../../domain/units.ts';
import type { Item } from '../../domain/item.ts';
import { objectMarks } from '../../domain/object-marks.ts';
import { objectName } from '../../domain/object-name.ts';
import { sideFilesSchema, sideObjectName } from '../../domain/side-files.ts';
import type { SideFiles } from '../../domain/side-files.ts';
import { saveObject } from '../../storage/save-object.ts';
import { watchUpload } from '../../storage/upload-watch.ts';
import type { UploadWatch } from '../../storage/upload-watch.ts';
import { codeOf } from './remote-errors.ts';
import type { Settled } from './tasks/task.ts';

/** Puts items into the destination, each under its one name, never over another (I2). */
export type Store = {
  /** What is there under the item's name; null when nothing is. */
  look(item: Item): Promise<Settled | null>;
  /**
   * Stores a body. Nothing of it becomes visible unless the body ends in order: an error in it, an abort, or
   * too many bytes leave no object.
   * @throws TooLargeError; any error of the body or of the storage service.
   */
  put(item: Item, body: Body): Promise<Settled>;
  /**
   * Stores a side file, before the item's object, which is what says that the item is stored. One that is there already, left by
   * an attempt that died, stays.
   * @returns the size in bytes of what is there now.
   * @throws TooLargeError; any error of the body or of the storage service.
   */
  putSide(item: Item, suffix: string, body: Body): Promise<number>;
};

export type Body = {
  readonly content: AsyncIterable<Uint8Array>;
  /** Without it, the type that belongs to the object's extension. */
  readonly contentType?: string;
  /** What was stored beside it before. */
  readonly sideFiles?: SideFiles;
  readonly signal: AbortSignal;
};

export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
  constructor(maxSizeBytes: number) {
    super(`larger than maxItemSize (${formatBytes(maxSizeBytes)})`);
  }
}

/** Cloud Storage takes parts of resumable uploads in multiples of this. */
const partUnitBytes = 256 * 1024;

/** One part an upload is in memory, some of them twice, and a downloader has to stay under 250 MB. */
const partsBudgetBytes = 32 * 1024 * 1024;

/** Above it a part gains nothing: cloud.google.com/storage/docs/performing-resumable-uploads recommends 8 MiB. */
const maxPartBytes = 8 * 1024 * 1024;

const preconditionFailed = 412;
const notFound = 404;

export type StoreOptions = {
  readonly bucket: Bucket;
  readonly run: string;
  readonly prefix: string;
  /** Without its dot, or ''. */
  readonly extension: string;
  readonly maxSizeBytes: number;
  /** Uploads at a time. */
  readonly concurrency: number;
};

/**
 * A body is read into memory up to one part. If it ends there, it is sent whole in one request; else as a
 * resumable upload, part by part, whose last part is only sent when the body has ended in order. So the client can try
 * every request again from memory, and a broken body never becomes an object.
 */
export function createStore(options: StoreOptions): Store {
  const { bucket, run, maxSizeBytes } = options;
  const partBytes = partSizeBytes(options.concurrency);
  const fileOf = (item: Item): File =>
    bucket.file(objectName(options.prefix, item.key, options.extension));

  const marksOf = (item: Item): Marks => ({
    [objectMarks.run]: run,
    [objectMarks.index]: String(item.index),
  });

  const look = async (item: Item): Promise<Settled | null> => {
    const file = fileOf(item);
    try {
      await file.getMetadata();
    } catch (error) {
      if (codeOf(error) === notFound) return null;
      throw error;
    }
    const marks = file.metadata.metadata ?? {};
    const isOurs =
      marks[objectMarks.run] === run && marks[objectMarks.index] === String(item.index);
    return { kind: isOurs ? 'stored' : 'skipped', ...figuresOf(file) };
  };

  const upload = async (file: File, marks: Marks, body: Body): Promise<void> => {
    const settings = {
      // Per file: it makes the upload create-only and lets the client retry it.
      preconditionOpts: { ifGenerationMatch: 0 },
      metadata: {
        ...(body.contentType === undefined ? {} : { contentType: body.contentType }),
        metadata: marks,
      },
    };
    const content = limited(body, maxSizeBytes);
    const { head, hasEnded } = await readPart(content, partBytes);
    if (hasEnded) {
      // If it is stored late, it is stored as ours (I2).
      return await saveObject(file, Buffer.concat(head), settings, body.signal);
    }
    const watch = watchUpload(body.signal);
    try {
      await pipeline(
        Readable.from(watched(concatenated(head, content), partBytes, watch), {
          objectMode: false,
          highWaterMark: partUnitBytes,
        }),
        file.createWriteStream({ ...settings, resumable: true, chunkSize: partBytes }),
        { signal: watch.signal },
      );
    } catch (error) {
      // Broken off within the head, the rest was not begun: closed by nobody, a staged file would keep its disk space.
      void content.return(undefined).catch(() => {});
      throw watch.signal.aborted ? watch.signal.reason : error;
    } finally {
      watch.stop();
    }
  };

  return {
    look,
    async put(item, body) {
      const file = fileOf(item);
      try {
        await upload(file, { ...marksOf(item), ...sideMark(body.sideFiles) }, body);
        return { kind: 'stored', ...figuresOf(file) };
      } catch (error) {
        if (codeOf(error) !== preconditionFailed) throw error;
        // Somebody was first: an earlier try of ours whose answer was lost, or another (I2).
        const found = await look(item);
        if (found === null) throw error;
        return found;
      }
    },
    async putSide(item, suffix, body) {
      const file = bucket.file(sideObjectName(options.prefix, item.key, suffix));
      try {
        await upload(file, { ...marksOf(item), [objectMarks.side]: suffix }, body);
      } catch (error) {
        if (codeOf(error) !== preconditionFailed) throw error;
        await file.getMetadata();
      }
      return sizeOf(file);
    },
  };
}

/** Custom metadata of an object. */
type Marks = Readonly<Record<string, string>>;

function sideMark(sideFiles: SideFiles = {}): Marks {
  if (Object.keys(sideFiles).length === 0) return {};
  return { [objectMarks.sideFiles]: JSON.stringify(sideFiles) };
}

/** What an object says of its side files; nothing when somebody wrote there what cannot be read. */
function sideFilesOf(file: File): { sideFiles?: SideFiles } {
  const mark = file.metadata.metadata?.[objectMarks.sideFiles];
  if (typeof mark !== 'string') return {};
  try {
    return { sideFiles: sideFilesSchema.parse(JSON.parse(mark)) };
  } catch {
    return {};
  }
}

function sizeOf(file: File): number {
  return Number(file.metadata.size ?? 0);
}

function partSizeBytes(concurrency: number): number {
  const share = Math.floor(partsBudgetBytes / concurrency / partUnitBytes) * partUnitBytes;
  return Math.max(partUnitBytes, Math.min(share, maxPartBytes));
}

function figuresOf(file: File) {
  return {
    object: file.name,
    sizeBytes: sizeOf(file),
    crc32c: file.metadata.crc32c ?? null,
    ...sideFilesOf(file),
  };
}

async function* limited(body: Body, maxSizeBytes: number): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of body.content) {
    body.signal.throwIfAborted();
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxSizeBytes) throw new TooLargeError(maxSizeBytes);
    yield chunk;
  }
  body.signal.throwIfAborted();
}

async function readPart(content: AsyncGenerator<Uint8Array>, partBytes: number) {
  const head: Uint8Array[] = [];
  let sizeBytes = 0;
  while (sizeBytes < partBytes) {
    const next = await content.next();
    if (next.done === true) return { head, hasEnded: true };
    head.push(next.value);
    sizeBytes += next.value.byteLength;
  }
  return { head, hasEnded: false };
}

/** While a chunk is not taken, and after the last one, it is the service's turn. */
async function* watched(
  content: AsyncGenerator<Uint8Array>,
  partBytes: number,
  watch: UploadWatch,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    watch.start(partBytes);
    yield chunk;
    watch.stop();
  }
  watch.start(partBytes);
}

async function* concatenated(
  head: Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  for (let chunk = head.shift(); chunk !== undefined; chunk = head.shift()) yield chunk;
  yield* rest;
}
