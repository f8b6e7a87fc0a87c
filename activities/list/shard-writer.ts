import type { Bucket } from '@google-cloud/storage';
import pRetry from 'p-retry';
import { itemsPerShard } from '../../domain/snapshot.ts';
import { saveObject } from '../../storage/save-object.ts';

/** Retries of one upload, over some 15 s; after them Temporal retries the whole snapshot. */
const uploadRetries = 4;

/**
 * Writes lines, keys or what is known of them, as numbered shards, {@link itemsPerShard} a file. One shard is filled while the one before is
 * uploaded, so memory holds two at most.
 */
export class ShardWriter {
  readonly #bucket: Bucket;
  readonly #nameOf: (shard: number) => string;
  readonly #signal: AbortSignal;
  #keys: string[] = [];
  #shard = 0;
  #count = 0;
  #upload: Promise<unknown> = Promise.resolve();

  constructor(bucket: Bucket, nameOf: (shard: number) => string, signal: AbortSignal) {
    this.#bucket = bucket;
    this.#nameOf = nameOf;
    this.#signal = signal;
  }

  /** Keys added so far. */
  get count(): number {
    return this.#count;
  }

  /** Takes a key; {@link flush} is due when it says that the shard is full. */
  add(key: string): 'full' | 'room' {
    this.#keys.push(key);
    this.#count += 1;
    return this.#keys.length === itemsPerShard ? 'full' : 'room';
  }

  /** Resolves when all keys are in the bucket. */
  async finish(): Promise<void> {
    if (this.#keys.length > 0) await this.flush();
    await this.#upload;
  }

  /** Resolves when nothing is being uploaded any more, whatever became of it. */
  async abandon(): Promise<void> {
    await this.#upload.catch(() => {});
  }

  /** Starts uploading the shard, once the one before is there. Throws what that one threw. */
  async flush(): Promise<void> {
    await this.#upload;
    const text = `${this.#keys.join('\n')}\n`;
    const file = this.#bucket.file(this.#nameOf(this.#shard));
    this.#shard += 1;
    this.#keys = [];
    // The same bytes under the same name: writing them again does no harm, so we may retry what the client does not.
    this.#upload = pRetry(() => saveObject(file, text, { contentType: 'text/plain' }), {
      retries: uploadRetries,
      minTimeout: 500,
      randomize: true,
      signal: this.#signal,
    });
    // Whoever flushes next or finishes sees the failure.
    this.#upload.catch(() => {});
  }
}
