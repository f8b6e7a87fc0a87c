import { workflowInfo } from '@temporalio/workflow';
import { settledOf } from '../domain/counts.ts';
import { failureTypes } from '../domain/failure-types.ts';
import { judge } from '../domain/judgement.ts';
import { isFleetReadDue, nextSliceMs } from '../domain/poll-schedule.ts';
import type { Sample } from '../domain/sample.ts';
import type { Snapshot } from '../domain/snapshot.ts';
import { formatDuration } from '../domain/units.ts';
import { number } from './details.ts';
import { runFailure } from './failure.ts';
import { startDownloaders } from './fleet.ts';
import { show } from './messages.ts';
import { ageMs, isPublishing, observe, pausedSentence, runFolderAddress } from './run-state.ts';
import type { RunState } from './run-state.ts';
import { collectOutcomes, readFleet, reconcile, resumeFleet, suspendFleet } from './steps.ts';

/** Reconciliations in a row that brought nothing, after which the rest is called unaccounted. */
const maxFruitlessRounds = 3;

/**
 * Follows a run until every item has an outcome: collect a slice, judge, act, again.
 * @returns `settled`, or `continue` when history has grown enough to go on in a new execution.
 * @throws ApplicationFailure `TooManyFailures`, `Unaccounted` or `FleetFailed`.
 */
export async function follow(state: RunState, snapshot: Snapshot): Promise<'settled' | 'continue'> {
  for (;;) {
    const sample = await collectSlice(state, snapshot);
    observe(state, sample);
    const judgement = judge(
      sample,
      { ...state, total: snapshot.total, isPublishing: isPublishing(state) },
      state.spec,
    );
    switch (judgement.kind) {
      case 'settled':
        return 'settled';
      case 'failing':
        throw runFailure(failureTypes.TooManyFailures, judgement.message);
      case 'stalled':
        await bringBack(state, snapshot, judgement.unsettled);
        break;
      case 'throttled':
        show(
          state,
          state.phase,
          `slowed down: the site asked for patience ${number(judgement.attempts)} times`,
        );
        break;
      case 'draining':
        show(state, state.phase, sentenceOf(state));
        break;
    }
    await mendFleet(state, sample);
    state.isLeaving ||= workflowInfo().continueAsNewSuggested;
    if (state.isLeaving && state.lanesUnderWay === 0) return 'continue';
  }
}

function collectSlice(state: RunState, snapshot: Snapshot): Promise<Sample> {
  const sliceMs = nextSliceMs(ageMs(state));
  const settled = state.sample === null ? 0 : settledOf(state.sample.counts);
  return collectOutcomes.executeWithOptions(
    {
      summary: `Collect outcomes for ${formatDuration(sliceMs)} (${number(settled)} of ${number(snapshot.total)} settled before)`,
    },
    [{ run: state.run, snapshot, sliceMs, until: 'slice-ends' }],
  );
}

/** Publishes again what has no outcome and is in nobody's hands. */
async function bringBack(state: RunState, snapshot: Snapshot, unsettled: number): Promise<void> {
  state.fruitlessRounds += 1;
  if (state.fruitlessRounds > maxFruitlessRounds) {
    throw runFailure(
      failureTypes.Unaccounted,
      `${number(unsettled)} items have no outcome after they were published again ${maxFruitlessRounds} times — their keys are in ${runFolderAddress(state)}remaining.txt`,
    );
  }
  show(state, state.phase, `${number(unsettled)} items are unaccounted for: publishing them again`);
  await reconcile.executeWithOptions(
    {
      summary: `Publish ${number(unsettled)} unaccounted items again (round ${state.fruitlessRounds})`,
    },
    [{ run: state.run, snapshot }],
  );
  state.lastMovedAtMs = Date.now();
}

const pausing = { summary: 'Pause the downloaders' };
const resuming = { summary: 'Go on with the downloaders' };

/** Looks after the fleet when it is due: starts it again when its owner forgot it or it ended before the items did. */
async function mendFleet(state: RunState, sample: Sample): Promise<void> {
  const wanted = state.fleet?.kind === 'running' ? state.fleet.wanted : state.workers;
  const sinceLastReadMs = Date.now() - state.fleetReadAtMs;
  if (!isFleetReadDue({ ageMs: ageMs(state), sinceLastReadMs, heard: sample.heard, wanted }))
    return;
  const { run, spec } = state;
  const fleet = await readFleet.executeWithOptions({ summary: 'Look at the downloaders' }, [
    { run, fleet: spec.fleet },
  ]);
  state.fleet = fleet;
  state.fleetReadAtMs = Date.now();
  switch (fleet.kind) {
    case 'failed':
      throw runFailure(failureTypes.FleetFailed, fleet.message);
    case 'absent':
    case 'done':
      if (!state.isPaused) await startDownloaders(state);
      break;
    // It answers again some time; the downloaders and their outcomes do not wait for it.
    case 'unknown':
      break;
    // A pause and a start, or two messages, may have crossed.
    case 'running':
      if (state.isPaused)
        await suspendFleet.executeWithOptions(pausing, [{ run, fleet: spec.fleet }]);
      break;
    case 'suspended':
      if (!state.isPaused)
        await resumeFleet.executeWithOptions(resuming, [{ run, fleet: spec.fleet }]);
      break;
  }
}

function sentenceOf(state: RunState): string {
  if (state.isPaused) return pausedSentence;
  if (state.sample?.heard === 0) return 'waiting for the first downloader';
  return isPublishing(state) ? 'publishing and downloading' : 'downloading';
}
