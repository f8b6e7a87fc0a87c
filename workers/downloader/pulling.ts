import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../process/log.ts';
import type { Delivery, Queue } from './queue.ts';
import { isCancelled, isHopeless, messageOf } from './remote-errors.ts';

/** Pulls under way. */
export type Pulling = {
  /** Messages asked for and not yet answered: slots that are spoken for (I3). */
  readonly requested: number;
  /** True when a further pull may begin. */
  readonly hasRoom: boolean;
  /** Asks for `max` messages, waiting up to `waitMs` for them. */
  pull(max: number, waitMs: number): void;
  /** Nobody wants to wait for the pulls under way any more; they are given up after a moment. */
  giveUp(): void;
};

export type PullingOptions = {
  readonly queue: Pick<Queue, 'pull'>;
  /** Called once a pull, with nothing when none came; its slots are no longer requested then. */
  onAnswer(deliveries: Delivery[]): void;
  /** The queue can't be pulled from, however often it is tried. `everAnswered`: it could be before. */
  onHopeless(error: unknown, everAnswered: boolean): void;
  readonly log: Log;
};

/**
 * Slots become free one by one, and an idle queue answers a pull only after its wait: so several are under way. More
 * than these gain nothing, for on a full queue each is answered at once.
 */
const maxPulls = 8;

/** A server that answers an idle pull sooner than this is not waiting for messages: asking again at once would spin. */
const shortestIdlePullMs = 1_000;

const firstRetryMs = 250;
const longestRetryMs = 30_000;

/** Pub/Sub's answers are not the same everywhere at once after a topic was made: three tries in two seconds. */
const hopelessTries = 3;

/**
 * A pull that is given up while its answer is under way leaves messages leased to nobody, which then look like a death
 * (I7). An answer that isn't there after this long is most likely not coming.
 */
const giveUpAfterMs = 1_000;

export function createPulling(options: PullingOptions): Pulling {
  const { queue, log } = options;
  let requested = 0;
  let pulls = 0;
  let failures = 0;
  let everAnswered = false;
  let giveUp = new AbortController();

  const pullOnce = async (
    max: number,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Delivery[]> => {
    const startedMs = performance.now();
    try {
      const deliveries = await queue.pull(max, waitMs, signal);
      failures = 0;
      everAnswered = true;
      const tookMs = performance.now() - startedMs;
      if (deliveries.length === 0 && tookMs < shortestIdlePullMs) {
        await sleep(shortestIdlePullMs - tookMs, undefined, { signal });
      }
      return deliveries;
    } catch (error) {
      if (signal.aborted || isCancelled(error)) return [];
      failures += 1;
      if (isHopeless(error) && failures >= hopelessTries) {
        options.onHopeless(error, everAnswered);
        return [];
      }
      log.warn({ reason: messageOf(error) }, 'pull failed');
      const pauseMs = Math.min(longestRetryMs, firstRetryMs * 2 ** failures);
      await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
      return [];
    }
  };

  return {
    get requested() {
      return requested;
    },
    get hasRoom() {
      return pulls < maxPulls;
    },
    pull(max, waitMs) {
      requested += max;
      pulls += 1;
      void (async () => {
        const deliveries = await pullOnce(max, waitMs, giveUp.signal);
        requested -= max;
        pulls -= 1;
        options.onAnswer(deliveries);
      })();
    },
    giveUp() {
      const abandoned = giveUp;
      giveUp = new AbortController();
      setTimeout(() => abandoned.abort(), giveUpAfterMs);
    },
  };
}
