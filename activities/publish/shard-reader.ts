import type { Bucket } from '@google-cloud/storage';
import { decodeListLine } from '../../domain/list-line.ts';
import { linesOf } from '../list/lines.ts';

/**
 * Reads the keys of one shard from a place on, some thousand at a time. Who stops in the middle has the rest read for nothing, a
 * megabyte or so: on a connection that is broken off instead, the server may hang up in the middle of the next request.
 * @throws Error when the shard holds another number of keys than the snapshot counted.
 */
export async function* readShard(
  bucket: Bucket,
  shard: { readonly name: string; readonly from: number; readonly size: number },
): AsyncGenerator<string[]> {
  let offset = 0;
  const stream = bucket.file(shard.name).createReadStream();
  const chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  try {
    for await (const lines of linesOf(chunks)) {
      const skipped = Math.min(lines.length, Math.max(0, shard.from - offset));
      offset += lines.length;
      yield lines.slice(skipped).map((line) => {
        const read = decodeListLine(line);
        if (read.kind === 'key') return read.key;
        throw new Error(
          `read shard ${shard.name}: a line near ${offset} is no key — it was changed`,
        );
      });
    }
  } finally {
    stream.on('error', () => {}).resume();
  }
  if (offset !== shard.size) {
    throw new Error(
      `read shard ${shard.name}: ${offset} keys instead of ${shard.size} — it was changed`,
    );
  }
}
