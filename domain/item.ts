import { z } from 'zod';

const itemSchema = z.strictObject({
  index: z.int().nonnegative(),
  /** Half a surrogate pair can be in JSON, but in no object name. */
  key: z
    .string()
    .min(1)
    .refine((key) => key.isWellFormed()),
  /** Deaths that the item carries from earlier copies of its message (I5, I7). */
  deaths: z.int().nonnegative(),
});

/** One item as the items topic carries it. `key` is what the user wrote, `index` its place in the snapshot. */
export type Item = z.infer<typeof itemSchema>;

export function encodeItem(item: Item): string {
  return JSON.stringify(item);
}

/** @throws Error when the text is not an item message. */
export function decodeItem(text: string): Item {
  try {
    return itemSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error('decode item message: not an item', { cause });
  }
}

/**
 * Deaths of an item at this delivery (I7): what its message carries, and every delivery of this message
 * before this one, for a release publishes a new message instead. Never more than an outcome can say, whatever they claim.
 */
export function deathsOf(item: Item, deliveryAttempt: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, item.deaths + Math.max(0, deliveryAttempt - 1));
}

/** From so many deaths an item is worked on alone, so that no neighbour is blamed for it (I7): quarantine is for more. */
export const deathsToWorkAlone = 2;
