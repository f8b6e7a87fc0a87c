import pRetry from 'p-retry';
import type { Meter } from './meter.ts';
import type { ItemQueue } from './queue.ts';
import type { Log } from '../process/log.ts';

/** An item's lease. It lives until it is dropped or lost. */
export type Lease = {
  readonly ackId: string;
  readonly isLost: boolean;
};

export type LeaseKeeper = {
  /**
   * Keeps a message's lease, which runs since `sinceMs` (monotonic) at the earliest. `onLost` is called once if it
   * can't be kept.
   */
  hold(ackId: string, sinceMs: number, onLost: () => void): Lease;
  /** The item is done, or lost: its lease is renewed no more. */
  drop(lease: Lease): void;
  stop(): void;
};

/** Two tries may fail before the lease is in danger. */
const renewalsPerDeadline = 3;

/**
 * Pub/Sub bounds a request to 512 KiB and an ackId has some 200 bytes: 1,000 leave room for longer ones, and are as
 * many as a downloader may have slots.
 */
const maxRenewedAtOnce = 1_000;

type Held = { readonly ackId: string; confirmedMs: number; isLost: boolean; onLost(): void };

/**
 * Renews all leases in hand together, every third of the deadline, for as long as their items live (I4).
 * A lease is lost when no renewal was confirmed for one deadline by the monotonic clock: Pub/Sub reports no error for
 * renewing too late, and by then another downloader has the item. A renewal counts from when it was sent, which errs on
 * the safe side.
 */
export function createLeaseKeeper(options: {
  queue: Pick<ItemQueue, 'renew'>;
  deadlineMs: number;
  meter: Pick<Meter, 'leasesRenewed' | 'leasesNotRenewed' | 'leaseLost'>;
  log: Log;
  /** Monotonic, in ms. */
  now: () => number;
}): LeaseKeeper {
  const { queue, deadlineMs, meter, log, now } = options;
  const periodMs = deadlineMs / renewalsPerDeadline;
  const held = new Set<Held>();

  const loseExpired = (): void => {
    const atMs = now();
    for (const lease of held) {
      if (atMs - lease.confirmedMs < deadlineMs) continue;
      held.delete(lease);
      lease.isLost = true;
      meter.leaseLost();
      lease.onLost();
    }
  };

  const renew = async (leases: readonly Held[]): Promise<void> => {
    const ackIds = leases.map(({ ackId }) => ackId);
    const untilMs = now() + periodMs;
    let sentMs = 0;
    await pRetry(
      async () => {
        sentMs = now();
        await queue.renew(ackIds, Math.round(deadlineMs / 1000));
        meter.leasesRenewed(leases.length);
      },
      {
        // Until the next turn, which asks for these anyway.
        retries: Number.POSITIVE_INFINITY,
        minTimeout: periodMs / 20,
        maxTimeout: periodMs / 4,
        randomize: true,
        shouldRetry: () => now() < untilMs,
      },
    ).catch((error: unknown) => {
      meter.leasesNotRenewed(leases.length);
      log.warn({ error, leases: leases.length }, 'leases could not be renewed');
      sentMs = Number.NEGATIVE_INFINITY;
    });
    for (const lease of leases) {
      // A lease that was lost while the answer was under way stays lost.
      if (!lease.isLost) lease.confirmedMs = Math.max(lease.confirmedMs, sentMs);
    }
  };

  const turn = (): void => {
    loseExpired();
    const leases = [...held];
    for (let first = 0; first < leases.length; first += maxRenewedAtOnce) {
      void renew(leases.slice(first, first + maxRenewedAtOnce));
    }
  };

  const renewTimer = setInterval(turn, periodMs);
  // A tenth of the deadline late at most: the shortest is 10 s, so this looks once a second.
  const lossTimer = setInterval(loseExpired, Math.min(1_000, deadlineMs / 10));

  return {
    hold(ackId, sinceMs, onLost) {
      const lease: Held = { ackId, confirmedMs: sinceMs, isLost: false, onLost };
      held.add(lease);
      return lease;
    },
    drop: (lease) => void held.delete(lease as Held),
    stop() {
      clearInterval(renewTimer);
      clearInterval(lossTimer);
    },
  };
}
