import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../process/log.ts';
import type { Delivery, ItemQueue } from './queue.ts';
import { isHopeless, isNotFound, messageOf } from './remote-errors.ts';

/** Asking the queue for items, one request at a time. */
export type Pulling = {
  /** Messages asked for and not yet answered: slots that are spoken for (I3). */
  readonly requested: number;
  /** True when the next request may be made: none is under way, and it isn't resting after an empty answer. */
  readonly isReady: boolean;
  /** True while the queue is not there, as far as the last request knows. */
  readonly isQueueMissing: boolean;
  /** Asks for at most `max` messages; only when ready. */
  pull(max: number): void;
  /** Resolves when no request is under way. */
  quiet(): Promise<void>;
};

export type PullingOptions = {
  readonly queue: Pick<ItemQueue, 'pull'>;
  /** Called when a request is answered. */
  onAnswer(deliveries: Delivery[]): void;
  /** Called when a request failed, and when the rest after one is over. */
  onChange(): void;
  /** The queue that is there can't be pulled from, however often it is tried. `everAnswered`: it could be before. */
  onHopeless(error: unknown, everAnswered: boolean): void;
  readonly log: Log;
  /** Gives 0 ≤ x < 1. */
  readonly random: () => number;
};

/**
 * Rest after an empty answer; it doubles while they stay empty. An idle downloader asks once in two seconds or so: a
 * fleet of thousands may idle without anybody noticing, and an item waits no longer than that.
 */
const firstRestMs = 100;
const longestRestMs = 2_000;

/** Rest after a failure, doubling likewise. */
const firstRetryMs = 250;
const longestRetryMs = 30_000;

/** Pub/Sub's answers are not the same everywhere at once after a topic was made: four tries in some two seconds. */
const hopelessTries = 4;

export function createPulling(options: PullingOptions): Pulling {
  const { queue, log, random } = options;
  let requested = 0;
  let isBusy = false;
  let failures = 0;
  let empties = 0;
  let everAnswered = false;
  let isQueueMissing = false;
  let whenQuiet: (() => void)[] = [];

  /** The messages, null where it failed, and the rest that is due after them. */
  const pullOnce = async (
    max: number,
  ): Promise<{ deliveries: Delivery[] | null; restMs: number }> => {
    try {
      const deliveries = await queue.pull(max);
      failures = 0;
      everAnswered = true;
      isQueueMissing = false;
      empties = deliveries.length === 0 ? empties + 1 : 0;
      const restMs = empties === 0 ? 0 : Math.min(longestRestMs, firstRestMs * 2 ** (empties - 1));
      return { deliveries, restMs };
    } catch (error) {
      failures += 1;
      isQueueMissing = isNotFound(error);
      if (isHopeless(error) && failures >= hopelessTries) options.onHopeless(error, everAnswered);
      else log.warn({ reason: messageOf(error) }, 'pull failed');
      // One that is made again is found as soon as an item in one that was empty.
      const longestMs = isQueueMissing ? longestRestMs : longestRetryMs;
      const restMs = Math.min(longestMs, firstRetryMs * 2 ** (failures - 1));
      return { deliveries: null, restMs };
    }
  };

  const pullAndRest = async (max: number): Promise<void> => {
    const { deliveries, restMs } = await pullOnce(max);
    requested = 0;
    if (restMs === 0) isBusy = false;
    if (deliveries === null) options.onChange();
    else options.onAnswer(deliveries);
    for (const resolve of whenQuiet) resolve();
    whenQuiet = [];
    if (restMs === 0) return;
    await sleep(restMs * (0.5 + random() / 2));
    isBusy = false;
    options.onChange();
  };

  return {
    get requested() {
      return requested;
    },
    get isReady() {
      return !isBusy;
    },
    get isQueueMissing() {
      return isQueueMissing;
    },
    pull(max) {
      isBusy = true;
      requested = max;
      void pullAndRest(max);
    },
    async quiet() {
      if (requested > 0) await new Promise<void>((resolve) => whenQuiet.push(resolve));
    },
  };
}
