import { maxLineBytes } from '../../domain/list-line.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = [0xef, 0xbb, 0xbf];

/** Of a line that has no end only so much is kept; it is longer than allowed and still will be seen as that. */
const keptBytes = maxLineBytes + byteOrderMark.length + 2;

/**
 * Splits a stream of bytes into its lines, one array of lines a chunk; without line ends, nor a BOM at the start.
 * @param longestBytes of a line that is longer at least so much is kept.
 */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  longestBytes: number = keptBytes,
): AsyncGenerator<Uint8Array[]> {
  let rest: Uint8Array = new Uint8Array();
  let isFirst = true;
  const lineOf = (line: Uint8Array) => {
    const start = isFirst && byteOrderMark.every((byte, at) => line[at] === byte) ? 3 : 0;
    isFirst = false;
    return line.subarray(start, line.at(-1) === carriageReturn ? -1 : undefined);
  };
  for await (const chunk of chunks) {
    const lines: Uint8Array[] = [];
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      const piece = chunk.subarray(start, end);
      lines.push(lineOf(rest.length === 0 ? piece : join(rest, piece, longestBytes)));
      rest = rest.length === 0 ? rest : new Uint8Array();
      start = end + 1;
    }
    rest = join(rest, chunk.subarray(start), longestBytes);
    yield lines;
  }
  if (rest.length > 0) yield [lineOf(rest)];
}

/** A copy, so that no large chunk is kept alive by a few bytes at its end. */
function join(rest: Uint8Array, piece: Uint8Array, longestBytes: number): Uint8Array {
  return new Uint8Array(Buffer.concat([rest, piece]).subarray(0, longestBytes));
}
