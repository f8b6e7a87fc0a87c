import type { Bucket } from '@google-cloud/storage';
import type { Ending } from '../../domain/ending.ts';
import { failureTypes } from '../../domain/failure-types.ts';
import { encodeGoneKey, isGone, longestGoneForMs } from '../../domain/gone-key.ts';
import type { RunRef } from '../../domain/names.ts';
import type { RunSpec } from '../../domain/run-spec.ts';
import { ObjectWriter } from '../report/object-writer.ts';
import type { ResultLine } from '../report/result-line.ts';
import { goneFolder, goneObject, goneObjectsFrom } from './gone-folder.ts';

export type EndedRun = {
  readonly run: RunRef;
  readonly spec: RunSpec;
  readonly ending: Ending;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
};

/**
 * Writes what a run found gone into its destination's memory, an object a run: writing again overwrites it with the same. A run that was
 * stopped because too much failed remembers nothing, for then it is the origin or the task that is wrong.
 */
export class GoneRecorder {
  readonly #bucket: Bucket;
  readonly #ended: EndedRun;
  readonly #folder: string;
  readonly #isBelieved: boolean;
  #object: ObjectWriter | null = null;

  constructor(bucket: Bucket, ended: EndedRun) {
    const { ending, spec } = ended;
    this.#bucket = bucket;
    this.#ended = ended;
    this.#folder = goneFolder(spec);
    this.#isBelieved = ending.kind !== 'failed' || ending.type !== failureTypes.TooManyFailures;
  }

  async write(results: readonly ResultLine[]): Promise<void> {
    if (!this.#isBelieved) return;
    const lines = results.flatMap((result) => this.#lineOf(result));
    if (lines.length === 0) return;
    this.#object ??= this.#create();
    await this.#object.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** Resolves when it is in the bucket, and what is so old that no run asks about it is not any more. */
  async end(): Promise<void> {
    await this.#object?.end();
    const oldestMs = this.#ended.endedAtMs - longestGoneForMs;
    if (oldestMs < 0) return;
    const [old] = await this.#bucket.getFiles({
      prefix: this.#folder,
      endOffset: goneObjectsFrom(this.#folder, oldestMs),
    });
    for (const file of old) await file.delete({ ignoreNotFound: true });
  }

  /** Gives up what was not ended. */
  [Symbol.dispose](): void {
    this.#object?.[Symbol.dispose]();
  }

  /** A downloader's clock may be wrong: nothing is gone before the run began, nor in the future. */
  #lineOf({ key, outcome, reason, error, at }: ResultLine): string[] {
    const { spec, startedAtMs, endedAtMs } = this.#ended;
    if (outcome !== 'failed' || reason !== 'permanent' || error === null) return [];
    if (!isGone(spec.task, error)) return [];
    const atMs = Math.min(endedAtMs, Math.max(startedAtMs, Date.parse(at ?? '')));
    return [encodeGoneKey({ key, atMs, error })];
  }

  #create(): ObjectWriter {
    const { run, endedAtMs } = this.#ended;
    const name = goneObject(this.#folder, { run: run.name, endedAtMs });
    return new ObjectWriter(this.#bucket, name, 'application/x-ndjson');
  }
}
