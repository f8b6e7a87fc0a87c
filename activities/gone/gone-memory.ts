import type { Bucket } from '@google-cloud/storage';
import { decodeGoneKey, maxGoneLineBytes } from '../../domain/gone-key.ts';
import type { GoneKey } from '../../domain/gone-key.ts';
import type { RunSpec } from '../../domain/run-spec.ts';
import { describeError, http, statusOf } from '../cloud-error.ts';
import { listNames } from '../ledger/ledger-log.ts';
import { linesOf } from '../list/lines.ts';
import { goneFolder, goneObjectsFrom } from './gone-folder.ts';

/** Objects whose beginning is asked for before it is their turn: a month of hourly runs is 720 small ones, a tenth of a second each. */
const readAhead = 16;

/** What the runs before this one found gone, and not so long ago that it is tried again. */
export class GoneMemory {
  readonly #bucket: Bucket;
  /** Names of objects, those of the latest runs first. */
  readonly #names: readonly string[];
  /** What was found gone before this is not any more. */
  readonly #sinceMs: number;

  private constructor(bucket: Bucket, names: readonly string[], sinceMs: number) {
    this.#bucket = bucket;
    this.#names = names;
    this.#sinceMs = sinceMs;
  }

  /** Lists what there is now: whatever is written later is not in it. */
  static async open(bucket: Bucket, spec: RunSpec, nowMs: number): Promise<GoneMemory> {
    const sinceMs = nowMs - spec.goneForMs;
    const names: string[] = [];
    if (spec.goneForMs > 0) {
      const folder = goneFolder(spec);
      const from = goneObjectsFrom(folder, sinceMs);
      for await (const name of listNames(bucket, folder, from)) names.push(name);
    }
    return new GoneMemory(bucket, names.toReversed(), sinceMs);
  }

  /**
   * Some thousand at a time, those that the latest run found first, so that of several entries of a key the first counts.
   * @throws Error that names the object when one is damaged or can't be read.
   */
  async *keys(): AsyncGenerator<readonly GoneKey[]> {
    const ahead: {
      batches: AsyncGenerator<GoneKey[]>;
      first: Promise<IteratorResult<GoneKey[]>>;
    }[] = [];
    const waiting = this.#names.values();
    const fill = () => {
      while (ahead.length < readAhead) {
        const { value: name, done = false } = waiting.next();
        if (done || name === undefined) return;
        const batches = readGoneKeys(this.#bucket, name);
        const first = batches.next();
        // Whoever gets to it sees the failure.
        first.catch(() => {});
        ahead.push({ batches, first });
      }
    };
    try {
      for (fill(); ahead[0] !== undefined; ahead.shift(), fill()) {
        const { batches, first } = ahead[0];
        for (let next = await first; next.done !== true; next = await batches.next()) {
          yield next.value.filter(({ atMs }) => atMs > this.#sinceMs);
        }
      }
    } finally {
      await Promise.all(ahead.map(({ batches }) => batches.return(undefined)));
    }
  }
}

/** The gone keys of one object: of a run's, or a shard of a snapshot. */
export async function* readGoneKeys(bucket: Bucket, name: string): AsyncGenerator<GoneKey[]> {
  const stream = bucket.file(name).createReadStream();
  const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  try {
    for await (const lines of linesOf(chunks, maxGoneLineBytes)) {
      yield lines.map((line) => decodeGoneKey(Buffer.from(line).toString('utf8')));
    }
  } catch (cause) {
    // A later run removed it, for it was a year old: nobody asks about that.
    if (statusOf(cause) === http.notFound) return;
    throw new Error(`read gs://${bucket.name}/${name}: ${describeError(cause)}`, { cause });
  } finally {
    stream.on('error', () => {}).resume();
  }
}
