import type { Sample } from './sample.ts';

/** How many downloaders a run may have. */
export type Workers = { readonly min: number; readonly max: number };

/**
 * How many downloaders so many items call for: enough slots for them, from `min` to `max`, and none without an item.
 * Only for adding: those too many end idle by themselves, and whoever took some away would hit busy ones.
 */
export function planFleetSize(items: number, slots: number, { min, max }: Workers): number {
  return Math.min(items, Math.max(min, Math.min(max, Math.ceil(items / slots))));
}

/**
 * Items that wait must have done so this long, over which each downloader has spoken twice: what one took up since its last
 * beat looks as if it waited.
 */
const longestUntoldMs = 60_000;

/**
 * The longest that a throttled downloader pauses by itself, and a beat more. Meanwhile its beats need not speak of it, and
 * more downloaders would only knock more often.
 */
const throttledMs = 330_000;

/** A node takes a minute or two to come and to be heard of: until then, asking for more of them says nothing new. */
export const fleetSettleMs = 120_000;

/**
 * Until when a fleet counts as large enough, Unix ms, after this sample.
 * @param before what it was before the sample.
 * @param waiting items that are published, without outcome, and in nobody's hands.
 */
export function enoughUntil(before: number, sample: Sample, waiting: number): number {
  const isTaken = waiting <= 0 || sample.idle > 0;
  return Math.max(
    before,
    isTaken ? sample.asOfMs + longestUntoldMs : 0,
    sample.throttled > 0 ? sample.asOfMs + throttledMs : 0,
  );
}

/** What is known when it is decided whether to add downloaders. */
export type FleetLook = {
  readonly sample: Sample;
  /** Downloaders asked for that have not ended idle. */
  readonly wanted: number;
  /** As {@link enoughUntil} says. */
  readonly enoughUntilMs: number;
  readonly waiting: number;
  /** Items without outcome. */
  readonly outstanding: number;
  readonly slots: number;
  readonly workers: Workers;
};

/**
 * The number to scale a running fleet up to; null when it is to stay as it is. It grows by what the waiting items fill, to `min`
 * at least, and only when all that were asked for are there and busy, so that who ended idle is not called back for nothing.
 */
export function planScaleUp(look: FleetLook): number | null {
  const { sample, wanted, waiting, slots } = look;
  const areAllBusy = sample.heard >= wanted && sample.idle === 0;
  if (waiting <= 0 || !areAllBusy || sample.asOfMs < look.enoughUntilMs) return null;
  const useful = Math.max(look.workers.min, wanted + Math.ceil(waiting / slots));
  const target = Math.min(useful, planFleetSize(look.outstanding, slots, look.workers));
  return target > wanted ? target : null;
}
