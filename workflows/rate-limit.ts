import { rateLimits } from '../domain/run-spec.ts';
import { number } from './details.ts';
import { isBeforeDownloading, refuse, refuseWhenCancelled } from './refuse.ts';
import { isPublishing, waitingOf } from './run-state.ts';
import type { RunState } from './run-state.ts';
import { hasDownloaders } from './show.ts';

const minuteMs = 60_000;

/**
 * The run's rate from now on: what publishes ends its slice and goes on at the new one (`publish.ts`). The next item is due as
 * if the one before had gone out now, so that no series of changes makes a burst.
 * @param itemsPerMinute null: as fast as it goes.
 * @returns what came of it, in words.
 */
export function setRateLimit(state: RunState, itemsPerMinute: number | null): string {
  state.rateLimit = itemsPerMinute;
  if (itemsPerMinute === null) return 'the rate limit is removed';
  const text = `the rate limit is ${formatRate(itemsPerMinute)}`;
  if (isBeforeDownloading(state)) return text;
  const dueAtMs = Math.round(Date.now() + minuteMs / itemsPerMinute);
  state.lanes = state.lanes.map((lane) => ({ ...lane, dueAtMs }));
  const waiting = waitingOf(state);
  return waiting > 0 ? `${text}, after the ${number(waiting)} that are published already` : text;
}

/** @throws ApplicationFailure `Refused` when it is no rate, changes nothing, or comes too late. */
export function refuseRateLimit(state: RunState, itemsPerMinute: number | null): void {
  refuseWhenCancelled();
  if (!isBeforeDownloading(state) && !hasDownloaders(state)) {
    refuse(`the run is in phase "${state.phase}", it publishes nothing any more`);
  }
  const { min, max } = rateLimits;
  const isRate =
    typeof itemsPerMinute === 'number' && itemsPerMinute >= min && itemsPerMinute <= max;
  if (itemsPerMinute !== null && !isRate) {
    refuse(
      `setRateLimit takes items a minute, ${min} to ${number(max)}, or null to remove the limit`,
    );
  }
  if (itemsPerMinute === state.rateLimit) {
    refuse(
      itemsPerMinute === null
        ? 'the run has no rate limit'
        : `the rate limit is ${formatRate(itemsPerMinute)} already`,
    );
  }
  if (hasDownloaders(state) && !isPublishing(state)) {
    refuse(
      'every item is published already, and a rate is kept by publishing — use scale or pause to slow the run down',
    );
  }
}

/** 1200 → "1,200 items a minute". */
export function formatRate(itemsPerMinute: number): string {
  const text = Number.isInteger(itemsPerMinute) ? number(itemsPerMinute) : String(itemsPerMinute);
  return `${text} item${itemsPerMinute === 1 ? '' : 's'} a minute`;
}
