import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Bucket } from '@google-cloud/storage';

/** What is kept in memory until Cloud Storage has it, so that a broken connection costs a repetition and not the upload. */
const chunkBytes = 8 * 1024 ** 2;
/** Lines are handed to the stream in pieces of this length: a write a line would be most of the work. */
const pieceLength = 256 * 1024;

/** Writes an object as a stream of text, replacing what was there, with flat memory. */
export class ObjectWriter {
  readonly #stream: Writable;
  readonly #done: Promise<void>;
  #piece = '';

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
    const isRoom = this.#stream.write(this.#piece);
    this.#piece = '';
    if (isRoom) return;
    await Promise.race([
      this.#done,
      new Promise<void>((resolve) => {
        this.#stream.once('drain', resolve);
      }),
    ]);
  }

  /** Gives an upload up that was not ended; the object stays as it was. */
  [Symbol.dispose](): void {
    this.#stream.destroy();
  }

  /** Resolves when the object is there. */
  async end(): Promise<void> {
    this.#stream.end(this.#piece);
    await this.#done;
  }
}
