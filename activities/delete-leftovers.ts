/**
 * The sweep: removes what runs left that nobody cleaned up after, for they were terminated.
 *
 *   sweep/find-leftovers.ts   what there is of this installation, by its run
 *   sweep/run-registry.ts     what Temporal knows of a run
 *   domain/sweep.ts           whether it is to be removed
 */
import { Context, activityInfo } from '@temporalio/activity';
import { shortText } from '../domain/short-text.ts';
import type { LeftReason, Patience, SweepResult } from '../domain/sweep.ts';
import { judgeLeftover } from '../domain/sweep.ts';
import type { SweepSpec } from '../domain/sweep-spec.ts';
import { describeError, grpc, statusOf } from './cloud-error.ts';
import { keepHeartbeating } from './heartbeat.ts';
import { findLeftovers } from './sweep/find-leftovers.ts';
import type { FindLeftoversDeps, Leftover } from './sweep/find-leftovers.ts';
import type { RunRegistry } from './sweep/run-registry.ts';

export type DeleteLeftoversDeps = FindLeftoversDeps & { readonly registry: RunRegistry };

/** Runs looked at side by side: a fleet's pods take their grace time, a quarter of a minute, to go. */
const runsAtOnce = 8;

/** Problems told in words, 200 characters each: the rest is a number. */
const mostProblems = 20;

/** The counts so far, as the heartbeat and a retry know them. */
type Tally = {
  removed: { -readonly [Name in keyof SweepResult['removed']]: number };
  left: Record<LeftReason, number>;
  problems: string[];
};

/**
 * Removes what belongs to runs that ended, or that Temporal does not know, long enough ago. Deletes only what it found with
 * this installation's label; absent counts as deleted. Run folders stay.
 */
export function createDeleteLeftovers(deps: DeleteLeftoversDeps) {
  return async function deleteLeftovers(spec: SweepSpec): Promise<SweepResult> {
    const { cancellationSignal: signal } = Context.current();
    const earlier = activityInfo().heartbeatDetails as Pick<Tally, 'removed'> | undefined;
    const tally: Tally = {
      // What an earlier attempt removed is not found again.
      removed: { runs: 0, topics: 0, subscriptions: 0, fleets: 0, ...earlier?.removed },
      left: {
        open: 0,
        'closed-lately': 0,
        'unknown-lately': 0,
        unmarked: 0,
        unasked: 0,
        unremoved: 0,
      },
      problems: [],
    };
    using _ = keepHeartbeating(() => ({ removed: tally.removed, left: tally.left }));

    const patience: Patience = {
      closedForMs: spec.closedForMs,
      unknownForMs: spec.unknownForMs ?? (await deps.registry.readRetentionMs()),
    };
    const leftovers = await findLeftovers(deps, signal);
    let next = 0;
    const lookAtSome = async () => {
      for (let one = leftovers[next++]; one !== undefined; one = leftovers[next++]) {
        signal.throwIfAborted();
        await lookAt(deps, one, patience, tally);
      }
    };
    await Promise.all(Array.from({ length: runsAtOnce }, lookAtSome));
    return tally;
  };
}

async function lookAt(
  deps: DeleteLeftoversDeps,
  leftover: Leftover,
  patience: Patience,
  tally: Tally,
): Promise<void> {
  const { run, workflowId } = leftover;
  const leave = (reason: LeftReason, problem?: unknown) => {
    tally.left[reason] += 1;
    if (problem === undefined || tally.problems.length >= mostProblems) return;
    tally.problems.push(shortText(`run ${run}: ${describeError(problem)}`));
  };
  if (workflowId === null) return leave('unmarked');
  try {
    const standing = await deps.registry.read({ name: run, workflowId });
    const verdict = judgeLeftover(standing, leftover.createdAtMs, patience, Date.now());
    if (verdict.kind === 'leave') return leave(verdict.reason);
  } catch (error) {
    return leave('unasked', error);
  }
  try {
    await remove(deps, leftover, tally);
    tally.removed.runs += 1;
  } catch (error) {
    Context.current().cancellationSignal.throwIfAborted();
    leave('unremoved', error);
  }
}

/** In the order of a run's own clean-up: first who uses the queue, then the queue. */
async function remove(deps: DeleteLeftoversDeps, leftover: Leftover, tally: Tally): Promise<void> {
  const { publisher, subscriber, fleets } = deps;
  const { cancellationSignal: signal } = Context.current();
  // Every fleet, also where nothing was found: a downloader that was killed may have left staged files.
  for (const fleet of Object.values(fleets)) await fleet.stop(leftover.run, signal);
  tally.removed.fleets += leftover.fleets.length > 0 ? 1 : 0;
  for (const subscription of leftover.subscriptions) {
    await unlessAbsent(`subscription ${subscription}`, () =>
      subscriber.deleteSubscription({ subscription }),
    );
    tally.removed.subscriptions += 1;
  }
  for (const topic of leftover.topics) {
    await unlessAbsent(`topic ${topic}`, () => publisher.deleteTopic({ topic }));
    tally.removed.topics += 1;
  }
}

async function unlessAbsent(what: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (cause) {
    if (statusOf(cause) === grpc.notFound) return;
    throw new Error(`delete ${what}: ${describeError(cause)}`, { cause });
  }
}
