import { z } from 'zod';

const settling = {
  /** Position in the run's snapshot. */
  index: z.int().nonnegative(),
  /** Attempts that were the item's own; a preemption costs none (I7). */
  attempts: z.int().nonnegative(),
  /** Seconds from the item's delivery to its outcome, on this downloader. */
  seconds: z.number().nonnegative(),
  /** When the downloader knew the outcome, Unix ms. */
  atMs: z.int().nonnegative(),
};

const object = {
  /** Object name in the destination's bucket; null for a command that makes no file. */
  object: z.string().nullable(),
  sizeBytes: z.int().nonnegative(),
  /** CRC-32C as Cloud Storage writes it, base64; null where there is no object. */
  crc32c: z.string().nullable(),
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
    outcome.kind === 'failed' && outcome.error.length > maxErrorLength
      ? { ...outcome, error: `${outcome.error.slice(0, maxErrorLength - 1)}…` }
      : outcome,
  );
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
