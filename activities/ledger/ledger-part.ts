import { gunzip, gzip } from 'node:zlib';
import { promisify } from 'node:util';
import type { Outcome } from '../../domain/outcome.ts';
import { decodeOutcomes, encodeOutcome } from '../../domain/outcome.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Fast rather than small: a collector that keeps up matters more than the few bytes that a higher level saves. */
const gzipLevel = 3;

/**
 * A part is of what a collector has in hand at most, 64 MiB of messages; four times that is none of ours, and bytes made to
 * swell to more would take the collector's memory.
 */
const maxPartBytes = 256 * 1024 ** 2;

/** A ledger part's bytes: gzip of JSON lines. The same outcomes give the same bytes. */
export async function encodePart(outcomes: readonly Outcome[]): Promise<Buffer> {
  const text = outcomes.map((outcome) => `${encodeOutcome(outcome)}\n`).join('');
  return compress(text, { level: gzipLevel });
}

/** @throws Error when the bytes are not gzip, or a line is not an outcome. */
export async function decodePart(bytes: Uint8Array): Promise<Outcome[]> {
  const text = await decompress(bytes, { maxOutputLength: maxPartBytes });
  return decodeOutcomes(text.toString('utf8'));
}
