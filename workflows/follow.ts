import { workflowInfo } from '@temporalio/workflow';
import { settledOf } from '../domain/counts.ts';
import { failureTypes } from '../domain/failure-types.ts';
import { judge } from '../domain/judgement.ts';
import { nextSliceMs } from '../domain/poll-schedule.ts';
import { countErrors } from '../domain/run-errors.ts';
import type { Sample } from '../domain/sample.ts';
import type { Snapshot } from '../domain/snapshot.ts';
import { formatDuration } from '../domain/units.ts';
import { bringBack, replaceLostMessages } from './bring-back.ts';
import { number } from './details.ts';
import { runFailure } from './failure.ts';
import { isLookDue, tendFleet } from './fleet.ts';
import { withQueue } from './rebuild-queue.ts';
import { ageMs, isHeld, isPublishing, observe } from './run-state.ts';
import type { RunState } from './run-state.ts';
import { sentenceOf } from './sentence.ts';
import { show } from './show.ts';
import { collectOutcomes } from './steps.ts';

/**
 * Follows a run until every item has an outcome: collect a slice, judge, act, look after the fleet, again.
 * @returns `settled`, or `continue` when history has grown enough to go on in a new execution.
 * @throws ApplicationFailure `TooManyFailures`, `Unaccounted` or `FleetFailed`.
 */
export async function follow(state: RunState, snapshot: Snapshot): Promise<'settled' | 'continue'> {
  for (;;) {
    const sample = await withQueue(state, () => collectSlice(state, snapshot));
    if (sample === null) continue;
    observe(state, sample);
    const judgement = judge(
      sample,
      {
        ...state,
        total: snapshot.total,
        isPublishing: isPublishing(state),
        isPaused: isHeld(state),
      },
      state.spec,
    );
    switch (judgement.kind) {
      case 'settled':
        return 'settled';
      case 'failing':
        throw runFailure(failureTypes.TooManyFailures, judgement.message);
      case 'stalled':
        await bringBack(state);
        break;
      case 'throttled':
      case 'draining':
        break;
    }
    await replaceLostMessages(state);
    if (isLookDue(state)) await tendFleet(state);
    show(state, state.phase, sentenceOf(state));
    const { continueAsNewSuggested, targetWorkerDeploymentVersionChanged } = workflowInfo();
    state.isLeaving ||= continueAsNewSuggested || targetWorkerDeploymentVersionChanged;
    if (state.isLeaving && state.lanesUnderWay === 0) return 'continue';
  }
}

/** A slice ends with the cooling: downloaders are to come back on time. */
function untilCoolingEnds({ breaker }: RunState, sliceMs: number): number {
  const { coolingUntilMs } = breaker;
  if (coolingUntilMs === null) return sliceMs;
  return Math.min(sliceMs, Math.max(nextSliceMs(0), coolingUntilMs - Date.now()));
}

function collectSlice(state: RunState, snapshot: Snapshot): Promise<Sample> {
  const { run, spec } = state;
  const sliceMs = untilCoolingEnds(state, nextSliceMs(ageMs(state)));
  const settled = state.sample === null ? 0 : settledOf(state.sample.counts);
  return collectOutcomes.executeWithOptions(
    {
      summary: `Collect outcomes for ${formatDuration(sliceMs)} (${number(settled)} of ${number(snapshot.total)} settled before)`,
    },
    [
      {
        run,
        snapshot,
        sliceMs,
        until: 'slice-ends',
        tolerateFailures: spec.tolerateFailures,
        errorsKnown: countErrors(state.errors),
      },
    ],
  );
}
