/**
 * The downloader's protocol: what it does with each message, and when it leaves. What must always hold (design.md
 * counts the same way; I6 and I8 are the workflow's):
 *
 * - I1  A message is acked only after its outcome is published, which is after its object is stored (or its failure is
 *       known); or after a copy of it is published (a release).           → settling.ts
 * - I2  One object an item. Its name is a pure function of key and run spec. Storing is create-only and the object
 *       carries run and index; on 412 they are read: ours means `stored`, another's `skipped`. An item delivered again
 *       looks before it works.                                            → store.ts, work-on-item.ts
 * - I3  It never holds more items than it has slots; slots asked for and not yet answered count.  → pulling.ts, here
 * - I4  A lease lives as long as its item does. Lost means: no confirmed renewal for one deadline, by the monotonic
 *       clock. Then the task is killed, and nothing acked or published.   → lease-keeper.ts, here
 * - I5  After SIGTERM nothing new starts; what can finish within the grace time finishes; the rest is released at once.
 *       To release is to publish a copy that carries the item's deaths, then ack.                 → here, settling.ts
 * - I7  A preemption is never an item's fault: it costs no attempt. Deaths = carried + deliveries − 1. At two deaths an item
 *       goes to the suspects' queue, from which it is only taken by an empty hand and worked on alone: those deaths are its
 *       own, and at `maxDeaths` it is quarantined. In company it never has more than two.       → here, work-on-item.ts
 * - I9  Nothing a list supplies is given to a shell, leaves the prefix or is taken for an option. → tasks/
 * - I10 Which programs can run is fixed in the image, never in the run's input.                   → tasks/command.ts
 */
import pRetry from 'p-retry';
import type { Beat } from '../../domain/beat.ts';
import { deathsOf, deathsToWorkAlone, decodeItem, suspectOf } from '../../domain/item.ts';
import type { Item } from '../../domain/item.ts';
import { unlessAborted } from '../../domain/unless-aborted.ts';
import { createBeating } from './beating.ts';
import type { DownloaderEnding, Parting } from './downloader-ending.ts';
import type { Health } from './health.ts';
import { logSettled, marksOf } from './item-log.ts';
import { createLeaseKeeper } from './lease-keeper.ts';
import type { Meter } from './meter.ts';
import { createPulling } from './pulling.ts';
import type { Delivery, ItemQueueName, Queue } from './queue.ts';
import { isHopeless, messageOf } from './remote-errors.ts';
import { createSettling } from './settling.ts';
import type { Taken } from './settling.ts';
import { workOnItem } from './work-on-item.ts';
import type { AttemptProgress, WorkDeps } from './work-on-item.ts';

export type DownloaderDeps = WorkDeps & {
  readonly name: string;
  readonly queue: Queue;
  readonly meter: Meter;
  readonly health: Pick<Health, 'isPulling' | 'isLeaving'>;
  /** Aborted when the grace time is nearly over: what still runs is killed and released (I5). */
  readonly killing: AbortSignal;
  /** Aborted when no time is left, not even for publishing. */
  readonly over: AbortSignal;
};

/** An item in hand. */
type Held = Taken & {
  readonly item: Item;
  readonly deaths: number;
  readonly wasInHand: boolean;
  readonly progress: AttemptProgress;
  readonly abort: AbortController;
};

/** Tries of the first beat, which shows that outcomes can be published: some two seconds, as for the first pull. */
const firstBeatTries = { retries: 3, minTimeout: 250, factor: 2, randomize: true } as const;

/** Pulls, works, settles; resolves when the downloader has left in order, with its last beat sent. */
export async function runDownloader(deps: DownloaderDeps): Promise<DownloaderEnding> {
  const { assignment, queue, meter, log, now, stopping, throttle } = deps;
  const hand = new Set<Held>();
  const { concurrency: slots, leaseDeadlineMs: deadlineMs } = assignment;
  const leasesOf = (name: ItemQueueName) =>
    createLeaseKeeper({ queue: queue[name], deadlineMs, meter, log, now });
  const leases = { items: leasesOf('items'), suspects: leasesOf('suspects') };
  const settling = createSettling({ queue, over: deps.over });
  meter.watch({ slots, inHand: () => hand.size, restMs: () => throttle.restMs() });
  /**
   * Nothing else is asked for, and the hand drained, until the suspects' queue has nothing: so it is at the start, when this
   * downloader has made a suspect, and whenever there is nothing else to do (I7).
   */
  let seeksSuspects = true;
  let ending: DownloaderEnding | null = null;
  let lastWorkMs = now();
  let isWakeDue = false;
  let isQueueRefused = false;
  const parting: Parting = { settled: 0, released: 0, abandoned: 0 };
  const left = Promise.withResolvers<DownloaderEnding>();

  const describe = (): Beat => ({
    downloader: deps.name,
    state: ending !== null ? 'leaving' : hand.size > 0 ? 'working' : 'idle',
    slots,
    holding: [...hand].map(({ item }) => item.index),
    throttled: throttle.takeCount(),
    pauseMs: throttle.restMs(),
    atMs: Date.now(),
  });
  const beating = createBeating({ queue, describe, log });
  const pullingOf = (name: ItemQueueName) =>
    createPulling({
      queue: queue[name],
      log,
      onAnswer: (deliveries) => accept(name, deliveries),
      onChange: wake,
      onHopeless: (error, everAnswered) => refuse(name, error, everAnswered),
      random: Math.random,
    });
  const pulling = { items: pullingOf('items'), suspects: pullingOf('suspects') };
  const requested = (): number => pulling.items.requested + pulling.suspects.requested;

  function accept(from: ItemQueueName, deliveries: Delivery[]): void {
    for (const delivery of deliveries) acceptOne(from, delivery);
    if (from === 'suspects') seeksSuspects = deliveries.length > 0;
    else seeksSuspects ||= hand.size === 0;
    deps.health.isPulling();
    wake();
  }

  function acceptOne(
    from: ItemQueueName,
    { ackId, askedMs, text, deliveryAttempt }: Delivery,
  ): void {
    let item: Item;
    try {
      item = decodeItem(text);
    } catch (error) {
      // Neither acked nor renewed: the dead-letter subscription gets it in the end, and the collector reads that (I7).
      log.error({ reason: messageOf(error) }, 'a message on the items topic is not an item');
      return;
    }
    const abort = new AbortController();
    const deaths = deathsOf(item, deliveryAttempt);
    const progress: AttemptProgress = { attempt: 0 };
    const lease = leases[from].hold(ackId, askedMs, () => {
      log.warn({ index: item.index, attempt: progress.attempt }, 'lease lost');
      abort.abort(new Error('lease lost'));
    });
    const wasInHand = item.wasInHand === true || deaths > 0 || deliveryAttempt > 1;
    const held = { from, item, deaths, wasInHand, progress, lease, abort };
    hand.add(held);
    beating.hasWork();
    if (isToBeSuspect(held)) seeksSuspects = true;
    // I5, I7.
    if (ending !== null || stopping.aborted || isToBeSuspect(held)) void letGo(held);
    else void work(held);
  }

  function isToBeSuspect({ from, deaths }: Held): boolean {
    return from === 'items' && deaths >= deathsToWorkAlone;
  }

  async function work(held: Held): Promise<void> {
    try {
      const settlement = await workOnItem(deps, {
        item: held.item,
        deaths: held.deaths,
        wasInHand: held.wasInHand,
        signal: held.abort.signal,
        progress: held.progress,
      });
      // I4: whoever has the lease now does the item; ours would only be a second outcome.
      if (held.lease.isLost || isQueueRefused) return;
      if (settlement.kind === 'signed-out') giveUp(settlement.error);
      if (settlement.kind !== 'outcome') return await release(held, settlement.item);
      await settling.settle(held, settlement.outcome);
      meter.settled(settlement.outcome);
      logSettled(log, marksOf(held), settlement.outcome);
      if (stopping.aborted) parting.settled += 1;
    } catch (error) {
      // Not acked, so Pub/Sub delivers it again.
      if (stopping.aborted) parting.abandoned += 1;
      log.warn({ ...marksOf(held), reason: messageOf(error) }, 'item could not be settled');
    } finally {
      putDown(held);
    }
  }

  async function letGo(held: Held): Promise<void> {
    try {
      await release(held, held.item);
    } catch (error) {
      if (stopping.aborted) parting.abandoned += 1;
      log.warn({ ...marksOf(held), reason: messageOf(error) }, 'item was not released');
    } finally {
      putDown(held);
    }
  }

  /** A copy that is published while a pull of ours is under way comes straight back to us. */
  async function release(held: Held, item: Item): Promise<void> {
    const isSuspect = isToBeSuspect(held);
    const to = isSuspect ? 'suspects' : held.from;
    await pulling[to].quiet();
    const copy = { ...item, deaths: held.deaths, wasInHand: true };
    await settling.release(held, isSuspect ? suspectOf(copy) : copy, to);
    meter.released();
    log.debug({ ...marksOf(held), to }, 'item released');
    if (stopping.aborted) parting.released += 1;
  }

  function putDown(held: Held): void {
    leases[held.from].drop(held.lease);
    hand.delete(held);
    lastWorkMs = now();
    if (hand.size === 0) beating.isIdle();
    wake();
  }

  /** Decides what to do next, once a turn of the event loop: slots that become free together are asked for together. */
  function wake(): void {
    if (isWakeDue) return;
    isWakeDue = true;
    setImmediate(() => {
      isWakeDue = false;
      next();
    });
  }

  function next(): void {
    if (ending === null && stopping.aborted) leave({ kind: 'stopped', parting });
    const isEmpty = hand.size === 0 && requested() === 0;
    if (ending !== null) {
      if (isEmpty) left.resolve(ending);
      return;
    }
    if (!throttle.isOpen()) return;
    const idleMs = hand.size === 0 ? now() - lastWorkMs : 0;
    if (idleMs >= assignment.idleExitMs) {
      const isMissing = pulling.items.isQueueMissing || pulling.suspects.isQueueMissing;
      if (isEmpty) leave({ kind: isMissing ? 'queue-missing' : 'idle' });
      return;
    }
    if (seeksSuspects) {
      if (isEmpty && pulling.suspects.isReady) pulling.suspects.pull(1);
      return;
    }
    const free = slots - hand.size - requested();
    if (free > 0 && pulling.items.isReady) pulling.items.pull(free);
  }

  function refuse(from: ItemQueueName, error: unknown, everAnswered: boolean): void {
    // A right that was taken away may be given back; what is in hand goes on.
    if (everAnswered) log.warn({ reason: messageOf(error) }, 'pull refused');
    else refuseQueue(`pull from the run's ${from} subscription`, error);
  }

  function refuseQueue(doing: string, error: unknown): void {
    isQueueRefused = true;
    leave({ kind: 'queue-refused', doing, error });
  }

  /** What else is in hand would only be refused, too: it goes back, which costs it nothing. */
  function giveUp(error: string): void {
    leave({ kind: 'signed-out', error });
    for (const held of hand) held.abort.abort(new Error('signed out'));
  }

  function leave(how: DownloaderEnding): void {
    ending ??= how;
    deps.health.isLeaving();
    wake();
  }

  stopping.addEventListener('abort', wake, { once: true });
  deps.killing.addEventListener('abort', () => {
    for (const held of hand) held.abort.abort(new Error('grace time over'));
  });
  // A request that hangs would keep us beyond the end.
  deps.over.addEventListener('abort', () => {
    const abandoned = parting.abandoned + hand.size;
    if (ending !== null && ending.kind !== 'stopped') left.resolve(ending);
    else left.resolve({ kind: 'stopped', parting: { ...parting, abandoned } });
  });
  const firstBeat = pRetry(() => beating.beat(), { ...firstBeatTries, signal: stopping });
  await unlessAborted(stopping, firstBeat).catch((error: unknown) => {
    if (isHopeless(error)) refuseQueue("publish to the run's outcomes topic", error);
  });
  beating.start();
  wake();
  // The throttle opens by the clock and nobody calls: look once a second.
  const throttleTimer = setInterval(wake, 1_000);
  const how = await left.promise;
  clearInterval(throttleTimer);
  beating.stop();
  for (const keeper of Object.values(leases)) keeper.stop();
  if (!isQueueRefused && !deps.over.aborted) {
    await unlessAborted(deps.over, beating.beat()).catch((error: unknown) => {
      log.warn({ reason: messageOf(error) }, 'the last beat was not sent');
    });
  }
  return how;
}
