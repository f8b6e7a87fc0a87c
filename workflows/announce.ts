import { ActivityFailure, CancellationScope } from '@temporalio/workflow';
import type { Ending } from '../domain/ending.ts';
import { isTopic } from '../domain/notice.ts';
import { resultOf } from './run-state.ts';
import type { RunState } from './run-state.ts';
import { show } from './show.ts';
import { notify } from './steps.ts';

/**
 * Tells of the run's end where its run spec asks for it. How the run ended does not depend on it.
 * @returns what to say of it behind the ending: nothing, or that nobody could be told.
 */
export function announce(state: RunState, ending: Ending): Promise<string> {
  return CancellationScope.nonCancellable(async () => {
    const { run, spec, startedAtMs } = state;
    const { notify: place } = spec;
    if (place === undefined) return '';
    const endedAtMs = Date.now();
    const notice = {
      run: run.name,
      workflowId: run.workflowId,
      ending,
      ...resultOf(state, endedAtMs),
      startedAt: new Date(startedAtMs).toISOString(),
      endedAt: new Date(endedAtMs).toISOString(),
    };
    show(state, 'reporting', 'telling of its end');
    try {
      const summary = `Tell ${isTopic(place) ? place : 'a web address'} of the run's end`;
      await notify.executeWithOptions({ summary }, [{ place, notice }]);
      return '';
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error;
      return ` — could not ${error.cause?.message ?? error.message}`;
    }
  });
}
