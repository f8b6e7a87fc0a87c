import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment } from '../../domain/assignment.ts';
import type { Item } from '../../domain/item.ts';
import type { Outcome } from '../../domain/outcome.ts';
import { formatDuration } from '../../domain/units.ts';
import { unlessAborted } from '../../domain/unless-aborted.ts';
import type { Log } from '../process/log.ts';
import type { Meter } from './meter.ts';
import { createRefusals, lonePauseMs } from './refusals.ts';
import { messageOf } from './remote-errors.ts';
import type { Store } from './store.ts';
import type { AttemptEnding, Settled, Task } from './tasks/task.ts';
import { longestRetryAfterMs } from './throttle.ts';
import type { Throttle } from './throttle.ts';

/** An item as it was delivered to this downloader. */
export type DeliveredItem = {
  readonly item: Item;
  readonly deaths: number;
  /** It, or a copy of it, was in somebody's hands before. */
  readonly wasInHand: boolean;
  /** Aborted when the item must be let go of: its lease is lost, or the grace time is over. */
  readonly signal: AbortSignal;
  /** Kept up to date for whoever logs of the item. */
  readonly progress: AttemptProgress;
};

/** Which attempt at an item is under way or was last, from 1; 0 before the first. One that costs nothing keeps its number. */
export type AttemptProgress = { attempt: number };

/** What is to be done with an item's message: publish this outcome and ack, or let go of it. */
export type Settlement =
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  /** The item is to be released as it is now. */
  | { readonly kind: 'interrupted'; readonly item: Item }
  /** The same, and nobody can do any better before the cookies are renewed. */
  | { readonly kind: 'signed-out'; readonly item: Item; readonly error: string };

export type WorkDeps = {
  readonly assignment: Assignment;
  readonly task: Task;
  readonly store: Store;
  readonly throttle: Throttle;
  readonly meter: Pick<Meter, 'attemptEnded' | 'retried' | 'paused'>;
  readonly log: Log;
  /** Aborted at SIGTERM: no attempt begins after it (I5). */
  readonly stopping: AbortSignal;
  /** Monotonic, in ms. */
  readonly now: () => number;
};

/** Pause before the second attempt; it doubles from there. A server that restarts is back within some of these. */
const firstPauseMs = 1_000;
/** An item waits with its slot in hand: longer pauses would cost more than they gain. */
const longestPauseMs = 60_000;

/**
 * Works on one item until its outcome is known or it must be let go of. Never rejects for what an item or origin does.
 * @throws what the storage service came back with when an item is to be quarantined and can't be looked for first.
 */
export async function workOnItem(deps: WorkDeps, delivered: DeliveredItem): Promise<Settlement> {
  const { assignment, throttle, meter, log, now } = deps;
  const { item, deaths, signal, progress } = delivered;
  const receivedMs = now();
  let attempts = 0;
  const refusals = createRefusals(item.refusals ?? 0);
  let mustLook = delivered.wasInHand;

  const asItIs = (): Item => (refusals.score === 0 ? item : { ...item, refusals: refusals.score });
  const interrupted = (): Settlement => ({ kind: 'interrupted', item: asItIs() });
  const settling = () => ({
    index: item.index,
    attempts,
    seconds: Math.round(now() - receivedMs) / 1000,
    atMs: Date.now(),
  });

  if (deaths >= assignment.maxDeaths) {
    let found: Settled | null;
    try {
      found = await unlessAborted(signal, deps.store.look(item));
    } catch (error) {
      if (signal.aborted) return interrupted();
      throw error;
    }
    if (found !== null) return { kind: 'outcome', outcome: { ...found, ...settling() } };
    return { kind: 'outcome', outcome: { kind: 'quarantined', ...settling(), deaths } };
  }

  while (!signal.aborted && !deps.stopping.aborted) {
    if (!throttle.isOpen()) {
      await waitUntil((waiting) => throttle.opened(refusals.score, waiting), deps, signal);
      continue;
    }
    const startedMs = now();
    if (progress.attempt > 0) meter.retried();
    progress.attempt = attempts + 1;
    const ending = await attemptOnce(deps, delivered, mustLook);
    meter.attemptEnded(ending.kind);
    switch (ending.kind) {
      case 'stored':
      case 'skipped':
        throttle.clear(startedMs);
        attempts += 1;
        return { kind: 'outcome', outcome: { ...ending, ...settling() } };
      case 'permanent':
        attempts += 1;
        return {
          kind: 'outcome',
          outcome: { kind: 'failed', ...settling(), reason: 'permanent', error: ending.error },
        };
      case 'transient': {
        attempts += 1;
        mustLook = true;
        log.debug({ index: item.index, attempt: attempts, reason: ending.error }, 'attempt failed');
        if (attempts >= assignment.attempts) {
          return {
            kind: 'outcome',
            outcome: { kind: 'failed', ...settling(), reason: 'exhausted', error: ending.error },
          };
        }
        const pauseMs = pauseAfter(attempts);
        await waitUntil((waiting) => sleep(pauseMs, undefined, { signal: waiting }), deps, signal);
        break;
      }
      case 'throttled': {
        const verdict = refusals.add(throttle.passed);
        log.info(
          { index: item.index, attempt: progress.attempt, reason: ending.error, of: verdict },
          'throttled by the origin',
        );
        if (verdict === 'origin') {
          if (throttle.report(startedMs, ending.retryAfterMs)) meter.paused();
        } else if (verdict === 'item') {
          const asked = Math.min(ending.retryAfterMs ?? 0, longestRetryAfterMs);
          const pauseMs = lonePauseMs(refusals.score, asked);
          await waitUntil(
            (waiting) => sleep(pauseMs, undefined, { signal: waiting }),
            deps,
            signal,
          );
        } else {
          const error = `${ending.error} — refused for so long that it is the item's own`;
          return {
            kind: 'outcome',
            outcome: { kind: 'failed', ...settling(), reason: 'exhausted', error },
          };
        }
        break;
      }
      case 'signed-out':
        return { kind: 'signed-out', item: asItIs(), error: ending.error };
      case 'interrupted':
        return interrupted();
    }
  }
  return interrupted();
}

/** One attempt within its time limit. An item that was in hand before is looked for first (I2). */
async function attemptOnce(
  deps: WorkDeps,
  delivered: DeliveredItem,
  mustLook: boolean,
): Promise<AttemptEnding> {
  const { assignment, task, store, log } = deps;
  const { item, signal, progress } = delivered;
  const limit = new AbortController();
  const stop = (): void => limit.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(() => limit.abort(new Error('itemTimeout')), assignment.itemTimeoutMs);
  try {
    const found: Settled | null = mustLook
      ? await unlessAborted(limit.signal, store.look(item))
      : null;
    const note = (reason: string): void =>
      log.info({ index: item.index, attempt: progress.attempt, reason }, 'something was left out');
    const ending = found ?? (await task.attempt(item, limit.signal, note));
    return ending.kind === 'interrupted' ? endingOfAbort() : ending;
  } catch (error) {
    return limit.signal.aborted ? endingOfAbort() : { kind: 'transient', error: messageOf(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }

  function endingOfAbort(): AttemptEnding {
    if (signal.aborted) return { kind: 'interrupted' };
    const limitText = formatDuration(assignment.itemTimeoutMs);
    return { kind: 'transient', error: `not done within itemTimeout (${limitText})` };
  }
}

/** Waits, but no longer than the item is ours and the downloader stays: an item that only waits is released (I5). */
async function waitUntil(
  wait: (signal: AbortSignal) => Promise<unknown>,
  deps: WorkDeps,
  signal: AbortSignal,
): Promise<void> {
  const waiting = new AbortController();
  const stop = (): void => waiting.abort();
  signal.addEventListener('abort', stop, { once: true });
  deps.stopping.addEventListener('abort', stop, { once: true });
  try {
    await wait(waiting.signal);
  } catch (error) {
    if (!waiting.signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    deps.stopping.removeEventListener('abort', stop);
  }
}

/** Exponential, with half of it left to chance, so that items that failed together don't come back together. */
function pauseAfter(attempts: number): number {
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempts - 1));
  return pauseMs * (0.5 + Math.random() / 2);
}
