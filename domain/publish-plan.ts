/**
 * How a run keeps its `rateLimit`: it publishes at that rate, and no more than downloaders take. What they left in the queue, for
 * they were away, paused or too few, would come out as a burst.
 */

/** Outcomes are known to the run so long after their items were done: published, written into the ledger, and told. */
const outcomeLatencyMs = 3_000;

/** What is known when a slice of publishing begins. */
export type PublishLook = {
  readonly itemsPerMinute: number;
  readonly nowMs: number;
  readonly sliceMs: number;
  /** When the next item is due by the rate alone, Unix ms. */
  readonly dueAtMs: number;
  /** Items that were published and had no outcome when the last sample was taken; null when that was considered before. */
  readonly inFlight: number | null;
  /** Slots of the downloaders that were heard then. */
  readonly slots: number;
};

/**
 * When the next item may go, Unix ms: after the time that those take which wait in the queue beyond what is in hand. Null when
 * that is not within the slice: then the next sample says more.
 */
export function planPublishing(look: PublishLook): number | null {
  const msPerItem = 60_000 / look.itemsPerMinute;
  const inHand = look.slots === 0 ? 0 : look.slots + outcomeLatencyMs / msPerItem;
  const backlog = Math.max(0, (look.inFlight ?? 0) - inHand);
  const startAtMs =
    backlog === 0 ? look.dueAtMs : Math.max(look.dueAtMs, look.nowMs + backlog * msPerItem);
  return startAtMs < look.nowMs + look.sliceMs ? startAtMs : null;
}

/** How much was published when. */
export type PublishMark = { readonly atMs: number; readonly published: number };

/** Publishing slices and samples are of one length, so a sample lies within the last few marks. */
const marksKept = 12;

export function addPublishMark(marks: readonly PublishMark[], mark: PublishMark): PublishMark[] {
  return [...marks, mark].slice(-marksKept);
}

/** How much was published at a moment: evenly between two marks, for so it goes out. Null before the first. */
export function publishedBy(marks: readonly PublishMark[], atMs: number): number | null {
  const after = marks.find((mark) => mark.atMs >= atMs);
  const before = marks.findLast((mark) => mark.atMs <= atMs);
  if (before === undefined) return null;
  if (after === undefined || after.atMs === before.atMs) return before.published;
  const share = (atMs - before.atMs) / (after.atMs - before.atMs);
  return before.published + share * (after.published - before.published);
}
