import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Bucket } from '@google-cloud/storage';
import { z } from 'zod';
import type { Counts } from '../../domain/counts.ts';
import { runFolder } from '../../domain/names.ts';
import { examplesPerError } from '../../domain/run-errors.ts';
import { outcomeWindow } from '../../domain/sample.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import { saveObject } from '../../storage/save-object.ts';
import { describeError, http, statusOf } from '../cloud-error.ts';
import { maxTallied } from './error-tally.ts';
import { listNames } from './ledger-log.ts';
import { LedgerState, outcomeCodes } from './ledger-state.ts';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A restart replays so many outcomes at most (or a sixteenth of the run): a few seconds. */
const outcomesPerCheckpoint = 250_000;
/** A large run has sixteen checkpoints and not hundreds, for each is as long as its list. */
const checkpointsPerRun = 16;
/** Where outcomes trickle, parts are small and many: a restart reads so many at most. */
const partsPerCheckpoint = 1_000;

/** A byte an item of the longest list, a hundred million, twice over, and a line. */
const maxCheckpointBytes = 256 * 1024 ** 2;
const lastCode = Math.max(...Object.values(outcomeCodes));

const count = z.int().nonnegative();
const talliedSchema = z.strictObject({
  message: z.string(),
  reason: z.enum(['permanent', 'exhausted', 'quarantined']),
  count: z.int().positive(),
  examples: z.array(count).max(examplesPerError),
});
const headerSchema = z.strictObject({
  throughPart: count,
  published: count,
  counts: z.strictObject({
    stored: count,
    skipped: count,
    failed: count,
    quarantined: count,
    gone: count.optional(),
  }),
  // Ten million objects of a gigabyte are more bytes than z.int() takes for exact.
  storedBytes: z.number().nonnegative(),
  recent: z.array(z.int().min(1).max(4)).max(outcomeWindow),
  /** Missing in those written before it was counted. */
  worstFailed: count.default(0),
  /** The same: such a run counts errors from there on. */
  failures: z
    .strictObject({ errors: z.array(talliedSchema).max(maxTallied), others: count })
    .default({ errors: [], others: 0 }),
});

/** Whether enough was applied since the last checkpoint that a new one is worth its bytes. */
export function isCheckpointDue(state: LedgerState): boolean {
  const { outcomes, parts } = state.sinceCheckpoint;
  const enough = Math.max(outcomesPerCheckpoint, state.codes.length / checkpointsPerRun);
  return outcomes >= enough || parts >= partsPerCheckpoint;
}

/** Gzip of one JSON line and the codes. The same parts give the same bytes, whoever writes them. */
export async function encodeCheckpoint(state: LedgerState): Promise<Buffer> {
  const header = {
    throughPart: state.nextPart - 1,
    published: state.codes.length,
    ...state.totals,
  } satisfies Record<keyof z.infer<typeof headerSchema>, unknown>;
  return compress(Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), state.codes]));
}

/** @throws Error when the bytes are not a checkpoint. */
export async function decodeCheckpoint(bytes: Uint8Array): Promise<LedgerState> {
  const plain = await decompress(bytes, { maxOutputLength: maxCheckpointBytes });
  const lineEnd = plain.indexOf('\n');
  const header = headerSchema.parse(JSON.parse(plain.subarray(0, lineEnd).toString('utf8')));
  const codes = Uint8Array.from(plain.subarray(lineEnd + 1));
  if (codes.length !== header.published) {
    throw new Error(`decode checkpoint: ${codes.length} codes for ${header.published} items`);
  }
  checkCodes(codes, header.counts);
  const state = new LedgerState(codes, header);
  state.nextPart = header.throughPart + 1;
  return state;
}

/**
 * A run is over when its counts say so (I6), and they come from here after a restart: they must be those of the codes. What
 * the snapshot settled has no code: it was in the bucket and counts as skipped, or it is gone.
 * @throws Error when they are not, or a code is none.
 */
function checkCodes(codes: Uint8Array, counts: Counts): void {
  const found = Array<number>(lastCode + 1).fill(0);
  for (const code of codes) {
    if (code > lastCode) throw new Error(`decode checkpoint: ${code} is no outcome's code`);
    found[code] = (found[code] ?? 0) + 1;
  }
  const isSame =
    counts.stored === found[outcomeCodes.stored] &&
    counts.failed === found[outcomeCodes.failed] &&
    counts.quarantined === found[outcomeCodes.quarantined] &&
    counts.skipped >= (found[outcomeCodes.skipped] ?? 0);
  if (!isSame) throw new Error('decode checkpoint: its counts are not those of its codes');
}

/** Writes what the state is now. It may exist already: then it holds the same. */
export async function createCheckpoint(
  bucket: Bucket,
  run: string,
  state: LedgerState,
): Promise<void> {
  const name = runFolder(run).ledgerCheckpoint(state.nextPart - 1);
  const bytes = await encodeCheckpoint(state);
  try {
    await saveObject(bucket.file(name), bytes, {
      preconditionOpts: { ifGenerationMatch: 0 },
      metadata: { contentType: 'application/gzip' },
    });
  } catch (cause) {
    if (statusOf(cause) !== http.conditionFailed) throw cause;
  }
}

/**
 * The newest checkpoint's state, or an empty one.
 * @throws Error that names the checkpoint when it is damaged or of another list.
 */
export async function readNewestCheckpoint(
  bucket: Bucket,
  run: string,
  snapshot: Pick<Snapshot, 'total' | 'published' | 'gone'>,
): Promise<LedgerState> {
  const prefix = runFolder(run)
    .ledgerCheckpoint(0)
    .replace(/\d+\.gz$/, '');
  let newest: string | undefined;
  for await (const name of listNames(bucket, prefix)) newest = name;
  if (newest === undefined) return LedgerState.empty(snapshot);
  try {
    const [bytes] = await bucket.file(newest).download({ decompress: false });
    const state = await decodeCheckpoint(bytes);
    if (state.codes.length !== snapshot.published) {
      throw new Error(`it is of ${state.codes.length} items, the run has ${snapshot.published}`);
    }
    if (runFolder(run).ledgerCheckpoint(state.nextPart - 1) !== newest) {
      throw new Error(`it is of the parts before ${state.nextPart}`);
    }
    let items = state.settled;
    for (const _ of state.unsettled()) items += 1;
    if (items === snapshot.total) return state;
    throw new Error(`it accounts for ${items} items, the run has ${snapshot.total}`);
  } catch (cause) {
    throw new Error(
      `read ledger checkpoint gs://${bucket.name}/${newest}: ${describeError(cause)} — delete it, the parts hold everything`,
      { cause },
    );
  }
}
