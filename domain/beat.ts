import { z } from 'zod';

/** How often a downloader speaks of itself. No run is called stalled before three beats are missed (`judgement.ts`). */
export const beatIntervalMs = 30_000;

/** A downloader that was silent this long is no longer counted: three beats missed. */
export const beatLifetimeMs = 3 * beatIntervalMs + 5_000;

const beatSchema = z.strictObject({
  /** Unique per downloader process. */
  downloader: z.string().min(1),
  /** `leaving` is the last beat of a downloader that exits in order. */
  state: z.enum(['working', 'idle', 'leaving']),
  slots: z.int().positive(),
  /** Indices of the items in hand. At most `slots` of them (I3). */
  holding: z.array(z.int().nonnegative()),
  /** Attempts since the last beat that ended with the origin asking for patience. */
  throttled: z.int().nonnegative(),
  /** How long it goes on pausing because of that; 0 when it does not, and of downloaders of older images. */
  pauseMs: z.int().nonnegative().default(0),
  /** Unix ms. */
  atMs: z.int().nonnegative(),
});

/** What a downloader says of itself every {@link beatIntervalMs} on the outcomes topic. */
export type Beat = z.infer<typeof beatSchema>;

export function encodeBeat(beat: Beat): string {
  return JSON.stringify(beat);
}

/** @throws Error when the text is not a beat. */
export function decodeBeat(text: string): Beat {
  try {
    return beatSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error('decode beat: not a beat', { cause });
  }
}

/**
 * The attribute that tells the two messages of the outcomes topic apart: `outcomes` (JSON lines, see
 * `encodeOutcome`) or `beat`.
 */
export const outcomesTopicKinds = {
  attribute: 'kind',
  outcomes: 'outcomes',
  beat: 'beat',
} as const;
