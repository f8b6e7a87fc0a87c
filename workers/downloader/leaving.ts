import { setMaxListeners } from 'node:events';
import { listenForShutdown } from '../process/shutdown.ts';
import type { ShutdownCause } from '../process/shutdown.ts';

/** When the steps of leaving are due, in ms after the signal (I5). */
export type LeavingPlan = {
  /** What still runs is killed. */
  readonly killMs: number;
  /** Nothing is published or acked any more. */
  readonly overMs: number;
  /** The process ends, done or not: the exit code is ours, not that of SIGKILL. */
  readonly exitMs: number;
};

/** Of the grace time, kept for killing, removing staged files, publishing and acking. */
const reserveShare = 1 / 3;
/** Two tries of a call that hangs for 3 s don't fit, but one does, and one that answers. */
const longestReserveMs = 5_000;
/** A copy published and acked takes some 200 ms with Google; below this a released item would be luck. */
const shortestReserveMs = 600;
/** Each of the last two steps takes this share: removing what is staged, then getting out before the kernel's SIGKILL. */
const stepShare = 1 / 20;
const longestStepMs = 500;

/** Divides the grace time, whatever it is: seconds on a Spot node, minutes where somebody configured them. */
export function planLeaving(graceMs: number): LeavingPlan {
  const reserveMs = Math.max(shortestReserveMs, Math.min(longestReserveMs, graceMs * reserveShare));
  const stepMs = Math.min(longestStepMs, graceMs * stepShare);
  return {
    killMs: graceMs - reserveMs,
    overMs: graceMs - 2 * stepMs,
    exitMs: graceMs - stepMs,
  };
}

/** The steps of leaving as signals: nothing new starts; what runs is killed; no time is left. */
export type Leaving = {
  readonly stopping: AbortSignal;
  readonly killing: AbortSignal;
  readonly over: AbortSignal;
  /** Null while nothing asked this process to end. */
  readonly cause: ShutdownCause | null;
  /** Kills what runs, at once: this process is about to end in disorder. */
  kill(): void;
};

/** Listens for what may end this process, and calls `exit` when the grace time is over. Only a `main.ts` calls this. */
export function prepareLeaving(options: {
  graceMs: number;
  /** The end of standard input counts as SIGTERM. */
  withStdin: boolean;
  exit: (cause: ShutdownCause) => void;
}): Leaving {
  const stopping = new AbortController();
  const killing = new AbortController();
  const over = new AbortController();
  const { killMs, overMs, exitMs } = planLeaving(options.graceMs);
  let cause: ShutdownCause | null = null;
  // Each item that waits listens for it.
  setMaxListeners(0, stopping.signal, killing.signal, over.signal);
  listenForShutdown(
    (why) => {
      cause = why;
      stopping.abort();
      setTimeout(() => killing.abort(), killMs);
      setTimeout(() => over.abort(), overMs);
      setTimeout(() => options.exit(why), exitMs);
    },
    { withStdin: options.withStdin },
  );
  return {
    stopping: stopping.signal,
    killing: killing.signal,
    over: over.signal,
    get cause() {
      return cause;
    },
    kill: () => killing.abort(),
  };
}
