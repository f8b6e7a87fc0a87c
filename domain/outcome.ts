import { z } from 'zod';
import { sideFilesSchema } from './side-files.ts';

/** The last moment that JavaScript's dates know, Unix ms: tc39.es/ecma262/#sec-time-values-and-time-range */
const lastMoment = 8_640_000_000_000_000;

const settling = {
  /** Position in the run's snapshot. */
  index: z.int().nonnegative(),
  /** Attempts that were the item's own; a preemption costs none (I7). */
  attempts: z.int().nonnegative(),
  /** Seconds from the item's delivery to its outcome, on this downloader. */
  seconds: z.number().nonnegative(),
  /** When the downloader knew the outcome, Unix ms. */
  atMs: z.int().nonnegative().max(lastMoment),
};

const object = {
  /** Object name in the destination's bucket; null for a command that makes no file. */
  object: z.string().nullable(),
  sizeBytes: z.int().nonnegative(),
  /** CRC-32C as Cloud Storage writes it, base64; null where there is no object. */
  crc32c: z.string().nullable(),
  /** Sizes of what is stored beside it, by suffix; missing where there is nothing. */
  sideFiles: sideFilesSchema.optional(),
};

const outcomeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('stored'), ...settling, ...object }),
  z.strictObject({ kind: z.literal('skipped'), ...settling, ...object }),
  z.strictObject({
    kind: z.literal('failed'),
    ...settling,
    reason: z.enum(['permanent', 'exhausted']),
    error: z.string(),
  }),
  z.strictObject({
    kind: z.literal('quarantined'),
    ...settling,
    /** Deliveries that ended with their downloader's death. */
    deaths: z.int().nonnegative(),
  }),
]);

/**
 * How one item ended. `stored` beats any other outcome that arrives for the same index; otherwise
 * the first one counts.
 */
export type Outcome = z.infer<typeof outcomeSchema>;
export type OutcomeKind = Outcome['kind'];

/**
 * An error's text is cut here: it is for a person's eyes, and 10,000 outcomes must fit one Pub/Sub
 * request of 10 MB.
 */
export const maxErrorLength = 500;

/** One line of JSON without the line's end, as ledger parts and outcome messages hold it. */
export function encodeOutcome(outcome: Outcome): string {
  return JSON.stringify(
    outcome.kind === 'failed' ? { ...outcome, error: errorText(outcome.error) } : outcome,
  );
}

/** Never with half a surrogate pair, be it by our own cut: strict readers of JSON refuse the whole file for one. */
function errorText(error: string): string {
  const text = error.length > maxErrorLength ? `${error.slice(0, maxErrorLength - 1)}…` : error;
  return text.toWellFormed();
}

/**
 * Reads JSON lines back into outcomes.
 * @throws Error that names the line when one is not an outcome.
 */
export function decodeOutcomes(text: string): Outcome[] {
  const outcomes: Outcome[] = [];
  let lineNumber = 0;
  for (const line of text.split('\n')) {
    lineNumber += 1;
    if (line === '') continue;
    try {
      outcomes.push(outcomeSchema.parse(JSON.parse(line)));
    } catch (cause) {
      throw new Error(`decode outcome in line ${lineNumber}: not an outcome`, { cause });
    }
  }
  return outcomes;
}
