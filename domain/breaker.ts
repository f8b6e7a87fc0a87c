import { settledOf } from './counts.ts';
import type { Sample } from './sample.ts';

/**
 * The fleet-wide breaker: what a run does about origins that ask for patience. A downloader pauses by itself
 * (`workers/downloader/throttle.ts`); this lowers the number of them, stops them all for a while, and brings them back step by
 * step. See docs/decisions/0006-throttling.md.
 */
export type Breaker = {
  /** Most downloaders for now; null: as many as the run wants. */
  readonly limit: number | null;
  /** Until then all are suspended, Unix ms; null: they are not. */
  readonly coolingUntilMs: number | null;
  /** When the limit last changed or throttling ended, Unix ms; while nobody works, this moment. */
  readonly changedAtMs: number;
  /** Steps down since the run last had all it wants. */
  readonly steps: number;
  /** Coolings since then. */
  readonly coolings: number;
  /** Throttling that has not ended; null: there is none. */
  readonly spell: Spell | null;
};

/** A time in which samples show throttling again and again. All moments are Unix ms. */
export type Spell = {
  readonly sinceMs: number;
  /** The last sample that showed it. */
  readonly lastMs: number;
  /** When something last got through, or the spell began, and how much was settled by then. */
  readonly movedAtMs: number;
  readonly settled: number;
};

export const openBreaker: Breaker = {
  limit: null,
  coolingUntilMs: null,
  changedAtMs: 0,
  steps: 0,
  coolings: 0,
  spell: null,
};

/** A fleet counts as throttled when this share of its downloaders is: fewer are their own addresses' affair. */
const throttledShare = 0.5;

/** Two beats: what a single refusal did is over by then. */
const spellEndsMs = 60_000;

/** Before the first step down, doubling with each further: a step must have shown what it did before the next. */
const firstStepMs = 60_000;
const longestStepMs = 240_000;

/** Before the first step up; the more often it had to go down, the longer. A node takes two minutes to come, too. */
const firstRecoveryMs = 120_000;
const longestRecoveryMs = 480_000;

/**
 * So long nothing gets through to the last downloader before it is suspended as well. It has knocked some eight times by then,
 * with pauses of up to five minutes.
 */
const hopelessMs = 600_000;

/** The same for the one that tries again after a cooling: four or five knocks, for the site has said so before. */
const hopelessTrialMs = 120_000;

/** Coolings double from the shortest for which giving up nodes pays; YouTube's blocks are said to last an hour and more. */
export const shortestCoolingMs = 600_000;
export const longestCoolingMs = 7_200_000;

/** What the breaker looks at. */
export type BreakerLook = {
  readonly sample: Pick<
    Sample,
    'asOfMs' | 'counts' | 'heard' | 'idle' | 'pausing' | 'pauseUntilMs'
  >;
  /** Downloaders that the fleet has or waits for. */
  readonly size: number;
  /** Most that the run wants. */
  readonly most: number;
};

/** The breaker after a sample. Steps down, cools and recovers; never more than one of them at a time. */
export function nextBreaker(before: Breaker, look: BreakerLook): Breaker {
  const { sample } = look;
  const nowMs = sample.asOfMs;
  if (before.coolingUntilMs !== null) {
    if (nowMs < before.coolingUntilMs) return before;
    return { ...before, coolingUntilMs: null, limit: 1, changedAtMs: nowMs, spell: null };
  }
  const now = { ...before, spell: nextSpell(before.spell, sample) };
  if (now.spell === null) {
    return before.spell === null ? recover(now, look) : { ...now, changedAtMs: nowMs };
  }
  return now.spell.lastMs === nowMs ? slowDown(now, now.spell, look) : now;
}

/** When the breaker takes its next step if all stays as it is, Unix ms; null when it has none to take. */
export function nextStepAtMs(breaker: Breaker): number | null {
  const { limit, coolingUntilMs, changedAtMs, spell } = breaker;
  if (coolingUntilMs !== null) return coolingUntilMs;
  if (spell === null) return limit === null ? null : changedAtMs + recoveryMs(breaker);
  return limit === 1 ? hopelessAtMs(breaker, spell) : stepDueAtMs(breaker, spell);
}

function nextSpell(
  spell: Spell | null,
  { asOfMs, counts, heard, pausing }: BreakerLook['sample'],
): Spell | null {
  const isThrottled = pausing > 0 && pausing >= throttledShare * heard;
  const settled = settledOf(counts);
  if (spell === null) {
    return isThrottled ? { sinceMs: asOfMs, lastMs: asOfMs, movedAtMs: asOfMs, settled } : null;
  }
  if (!isThrottled && asOfMs - spell.lastMs >= spellEndsMs) return null;
  return {
    ...spell,
    ...(isThrottled ? { lastMs: asOfMs } : {}),
    ...(settled > spell.settled ? { movedAtMs: asOfMs, settled } : {}),
  };
}

function slowDown(now: Breaker, spell: Spell, { sample, size }: BreakerLook): Breaker {
  const nowMs = sample.asOfMs;
  // Origins said when to come back: nobody has anything to do before.
  if (sample.pauseUntilMs - nowMs >= shortestCoolingMs) return cool(now, sample);
  if (now.limit === 1) return nowMs >= hopelessAtMs(now, spell) ? cool(now, sample) : now;
  if (nowMs < stepDueAtMs(now, spell)) return now;
  const limit = Math.max(1, Math.floor(Math.min(size, now.limit ?? size) / 2));
  return { ...now, limit, steps: now.steps + 1, changedAtMs: nowMs };
}

function cool(now: Breaker, { asOfMs, pauseUntilMs }: BreakerLook['sample']): Breaker {
  const coolingMs = Math.min(longestCoolingMs, shortestCoolingMs * 2 ** now.coolings);
  return {
    ...now,
    limit: 1,
    coolingUntilMs: Math.max(asOfMs + coolingMs, pauseUntilMs),
    coolings: now.coolings + 1,
    steps: now.steps + 1,
    changedAtMs: asOfMs,
    spell: null,
  };
}

/** Doubles the limit while somebody works unthrottled, until it is what the run wants. */
function recover(now: Breaker, { sample, most }: BreakerLook): Breaker {
  if (now.limit === null) return now;
  // Of a node that has not come, and of who has nothing to do, nothing can be learnt.
  if (sample.heard <= sample.idle) return { ...now, changedAtMs: sample.asOfMs };
  if (sample.asOfMs < now.changedAtMs + recoveryMs(now)) return now;
  const limit = now.limit * 2;
  if (limit >= most) return openBreaker;
  return { ...now, limit, changedAtMs: sample.asOfMs };
}

function stepDueAtMs({ limit, steps, changedAtMs }: Breaker, { sinceMs }: Spell): number {
  const pauseMs = Math.min(longestStepMs, firstStepMs * 2 ** steps);
  return Math.max(sinceMs, limit === null ? 0 : changedAtMs) + pauseMs;
}

function hopelessAtMs({ coolings, changedAtMs }: Breaker, { movedAtMs }: Spell): number {
  return Math.max(movedAtMs, changedAtMs) + (coolings > 0 ? hopelessTrialMs : hopelessMs);
}

function recoveryMs({ steps }: Breaker): number {
  return Math.min(longestRecoveryMs, firstRecoveryMs * 2 ** Math.max(0, steps - 1));
}
