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
  /** A copy: the item was in somebody's hands before, and may be stored (I2). */
  wasInHand: z.boolean().optional(),
  /** What earlier deliveries heard from an origin that asked for patience, see `workers/downloader/refusals.ts`; none when missing. */
  refusals: z.int().nonnegative().optional(),
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

/**
 * From so many deaths an item is a suspect: it is worked on alone, and only what dies then is counted on (I7). Deaths in company
 * never count for more, for each may be a neighbour's.
 */
export const deathsToWorkAlone = 2;

/** The copy of an item that is worked on alone from now on. */
export function suspectOf(item: Item): Item {
  return { ...item, deaths: deathsToWorkAlone, wasInHand: true };
}
