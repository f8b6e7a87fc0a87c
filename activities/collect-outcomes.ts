import { randomUUID } from 'node:crypto';
import { CancelledFailure, Context } from '@temporalio/activity';
import { failureTypes, queueLost } from '../domain/failure-types.ts';
import type { RunRef } from '../domain/names.ts';
import type { RunSpec } from '../domain/run-spec.ts';
import type { Sample } from '../domain/sample.ts';
import type { Snapshot } from '../domain/snapshot.ts';
import { Desks, sampleOf } from './collect/desk.ts';
import type { CollectorDeps, Desk } from './collect/desk.ts';
import { errorsOf } from './collect/errors-of.ts';
import { PullRefused } from './collect/mailbox.ts';
import { Slice } from './collect/slice.ts';
import { keepHeartbeating } from './heartbeat.ts';
import { showRunCounters } from './run-counters.ts';
import { runFailure } from './run-failure.ts';

/** Pub/Sub doesn't know everywhere at once what was just made: a refusal is believed after some 15 s of asking again. */
const attemptsOfRefused = 5;

export type CollectOutcomesInput = {
  readonly run: RunRef;
  readonly snapshot: Snapshot;
  /** How long to collect at most. */
  readonly sliceMs: number;
  /** `quiet`: also end when nothing arrives any more, for the fleet was stopped. */
  readonly until: 'slice-ends' | 'quiet';
  /** Past it the slice ends at once; one that waits for `quiet` goes on, for its run is over anyway. */
  readonly tolerateFailures?: RunSpec['tolerateFailures'];
  /** How many errors the run knows: where there are more it is told of them, and history is spared the rest. */
  readonly errorsKnown?: number;
};

/**
 * Brings what downloaders published on the outcomes topic into the run's ledger, and acks it afterwards. The parts:
 *
 * - `collect/slice.ts`: the loop of one slice: gather, write, ack;
 * - `collect/mailbox.ts`: pulling ahead, acking, giving back;
 * - `collect/append.ts`: one batch becomes one part of the ledger;
 * - `collect/desk.ts`: what is kept in this process from one slice to the next;
 * - `collect/errors-of.ts`: what items failed with.
 *
 * Its heartbeat's payload is the {@link Sample} of that second.
 */
export function createCollectOutcomes(deps: CollectorDeps) {
  const desks = new Desks(deps);
  return async function collectOutcomes(input: CollectOutcomesInput): Promise<Sample> {
    const { run, snapshot, sliceMs, until, tolerateFailures, errorsKnown = 0 } = input;
    const { cancellationSignal: signal, cancelled, info } = Context.current();
    const endsAtMs = Date.now() + sliceMs;
    showRunCounters();
    let desk: Desk | undefined;
    using _ = keepHeartbeating(() => desk && sampleOf(desk, Date.now()));
    desk = await desks.take(run, snapshot);
    const writer = { id: randomUUID(), scheduledAtMs: info.currentAttemptScheduledTimestampMs };
    try {
      if (desk.ledger.settled < snapshot.total) {
        const { total } = snapshot;
        await new Slice(desk, { total, endsAtMs, until, tolerateFailures, writer, signal }).run();
      }
    } catch (error) {
      await desks.drop(desk);
      if (!(error instanceof PullRefused) || info.attempt < attemptsOfRefused) throw error;
      // A run whose queue could not be made is cleaned up too: there was nothing to collect.
      if (until === 'quiet' && error.isAbsent) return sampleOf(desk, Date.now());
      throw error.isAbsent
        ? runFailure(queueLost, error.message, error)
        : runFailure(
            failureTypes.StepFailed,
            `${error.message} — the run cannot go on without its outcomes: start it again`,
            error,
          );
    }
    if (until === 'quiet' || isShutdown(signal)) await desks.drop(desk);
    else desks.keep(desk, signal.aborted ? 'some-time' : 'soon');
    if (signal.aborted) return cancelled;
    const errors = await errorsOf(desk, snapshot, errorsKnown);
    return { ...sampleOf(desk, Date.now()), ...(errors === undefined ? {} : { errors }) };
  };
}

/** Whether this process is about to end: then nothing is kept, and the next slice finds every message at once. */
function isShutdown({ reason }: AbortSignal): boolean {
  return reason instanceof CancelledFailure && reason.message === 'WORKER_SHUTDOWN';
}
