import { beatLifetimeMs } from './beat.ts';
import { settledOf } from './counts.ts';
import type { RunSpec } from './run-spec.ts';
import type { Sample } from './sample.ts';
import { outcomeWindow } from './sample.ts';

/** What the workflow makes of its last sample; it acts on nothing else. */
export type Judgement =
  /** Every item has an outcome (I6). */
  | { readonly kind: 'settled' }
  /** Items are being worked on, or may be. */
  | { readonly kind: 'draining' }
  /** Nothing settles and nobody holds what is left, though somebody idles: messages may be lost. */
  | { readonly kind: 'stalled'; readonly unsettled: number }
  /** Origins ask for patience. */
  | { readonly kind: 'throttled'; readonly attempts: number }
  /** More failures than the run tolerates. */
  | { readonly kind: 'failing'; readonly message: string };

/** By default a run stops when this share of any 500 consecutive outcomes failed: expired cookies must not burn ten million items. */
const failingShare = 0.9;

/** Two lease deadlines: within one, a dead downloader's items come back by themselves. */
const deadlinesToStall = 2;

/**
 * And never sooner than this, however short the lease: the last beat of a downloader says that it idles until the next
 * one says what it took up since.
 */
const shortestStallMs = beatLifetimeMs;

export type Situation = {
  readonly total: number;
  readonly isPublishing: boolean;
  readonly isPaused: boolean;
  /** When something last settled, was held, or nobody idled; Unix ms. See {@link isMoving}. */
  readonly lastMovedAtMs: number;
};

/** A pure function of the last samples. */
export function judge(
  sample: Sample,
  situation: Situation,
  spec: Pick<RunSpec, 'tolerateFailures' | 'leaseDeadlineMs'>,
): Judgement {
  const failing = tooManyFailures(sample, situation.total, spec.tolerateFailures);
  if (failing !== null) return { kind: 'failing', message: failing };
  const settled = settledOf(sample.counts);
  if (settled >= situation.total) return { kind: 'settled' };
  const stillMs = sample.asOfMs - situation.lastMovedAtMs;
  if (
    !situation.isPublishing &&
    !situation.isPaused &&
    stillMs >= Math.max(shortestStallMs, deadlinesToStall * spec.leaseDeadlineMs)
  ) {
    return { kind: 'stalled', unsettled: situation.total - settled };
  }
  if (sample.throttled > 0) return { kind: 'throttled', attempts: sample.throttled };
  return { kind: 'draining' };
}

/**
 * Whether a run is alive between two samples: something settled, somebody holds what is left, or nobody idles. One of them is
 * enough for the latter two: standing still is counted from the first sample that shows it, not from the last that does not,
 * or a downloader whose first beat comes after a long wait for its node would seem to have idled all the while.
 */
export function isMoving(before: Sample | null, now: Sample): boolean {
  return (
    before === null ||
    settledOf(now.counts) > settledOf(before.counts) ||
    isAlive(now) ||
    isAlive(before)
  );
}

function isAlive({ holding, idle }: Sample): boolean {
  return holding > 0 || idle === 0;
}

/** How a run failed more than it tolerates, in words; null when it did not. The collector asks it too, to end its slice at once. */
export function tooManyFailures(
  sample: Pick<Sample, 'counts' | 'recent'>,
  total: number,
  tolerated: RunSpec['tolerateFailures'],
): string | null {
  const failed = sample.counts.failed + sample.counts.quarantined;
  if (tolerated === undefined) {
    const { outcomes, failed: failedOfThem } = sample.recent;
    const isWindowBad = outcomes >= outcomeWindow && failedOfThem >= failingShare * outcomes;
    return isWindowBad && settledOf(sample.counts) < total
      ? `${failedOfThem} of ${outcomes} outcomes in a row failed`
      : null;
  }
  if (tolerated.kind === 'count') {
    return failed > tolerated.count
      ? `${failed} items failed, tolerated are ${tolerated.count}`
      : null;
  }
  return failed > (tolerated.percent / 100) * total
    ? `${failed} of ${total} items failed, tolerated are ${tolerated.percent}%`
    : null;
}
