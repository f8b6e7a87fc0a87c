import type { Bucket } from '@google-cloud/storage';
import { decodeListLine } from '../../domain/list-line.ts';
import { linesOf } from '../list/lines.ts';

/**
 * Reads the keys of one shard from a place on, some thousand at a time.
 * @throws Error when the shard holds another number of keys than the snapshot counted.
 */
export async function* readShard(
  bucket: Bucket,
  shard: { readonly name: string; readonly from: number; readonly size: number },
): AsyncGenerator<string[]> {
  let offset = 0;
  const chunks = bucket.file(shard.name).createReadStream() as AsyncIterable<Uint8Array>;
  for await (const lines of linesOf(chunks)) {
    const skipped = Math.min(lines.length, Math.max(0, shard.from - offset));
    offset += lines.length;
    yield lines.slice(skipped).map((line) => {
      const read = decodeListLine(line);
      if (read.kind === 'key') return read.key;
      throw new Error(`read shard ${shard.name}: a line near ${offset} is no key — it was changed`);
    });
  }
  if (offset !== shard.size) {
    throw new Error(
      `read shard ${shard.name}: ${offset} keys instead of ${shard.size} — it was changed`,
    );
  }
}
