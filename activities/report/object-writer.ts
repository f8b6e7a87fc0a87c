import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Bucket } from '@google-cloud/storage';
import { unlessAborted } from '../../domain/unless-aborted.ts';
import { watchUpload } from '../../storage/upload-watch.ts';

/** What is kept in memory until Cloud Storage has it, so that a broken connection costs a repetition and not the upload. */
const chunkBytes = 8 * 1024 ** 2;
/** Lines are handed to the stream in pieces of this length: a write a line would be most of the work. */
const pieceLength = 256 * 1024;

/** Writes an object as a stream of text, replacing what was there, with flat memory. */
export class ObjectWriter {
  readonly #stream: Writable;
  readonly #done: Promise<void>;
  #piece = '';
  #sentBytes = 0;

  constructor(bucket: Bucket, name: string, contentType: string) {
    this.#stream = bucket
      .file(name)
      .createWriteStream({ resumable: true, chunkSize: chunkBytes, contentType });
    this.#done = finished(this.#stream);
    // Whoever writes or ends sees the failure.
    this.#done.catch(() => {});
  }

  async write(text: string): Promise<void> {
    this.#piece += text;
    if (this.#piece.length < pieceLength) return;
    this.#sentBytes += Buffer.byteLength(this.#piece);
    const isRoom = this.#stream.write(this.#piece);
    this.#piece = '';
    if (isRoom) return;
    const drained = new Promise<void>((resolve) => {
      this.#stream.once('drain', resolve);
    });
    await this.#inTime(Promise.race([this.#done, drained]));
  }

  /** Gives an upload up that was not ended; the object stays as it was. */
  [Symbol.dispose](): void {
    this.#stream.destroy();
  }

  /**
   * Resolves when the object is there.
   * @throws Error of the service, or when that takes too long.
   */
  async end(): Promise<void> {
    this.#sentBytes += Buffer.byteLength(this.#piece);
    this.#stream.end(this.#piece);
    await this.#inTime(this.#done);
  }

  /** At most a chunk is on its way. */
  async #inTime(progress: Promise<void>): Promise<void> {
    const watch = watchUpload();
    watch.start(Math.min(chunkBytes, this.#sentBytes));
    try {
      await unlessAborted(watch.signal, progress);
    } finally {
      watch.stop();
    }
  }
}
