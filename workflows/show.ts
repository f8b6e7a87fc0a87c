import { setCurrentDetails } from '@temporalio/workflow';
import type { Progress } from '../domain/progress.ts';
import { describeRun } from '../domain/run-description.ts';
import { renderDetails } from './details.ts';
import { writeSearchAttributes } from './list-entry.ts';
import { patienceSentence } from './patience.ts';
import { progressOf } from './run-state.ts';
import type { RunState } from './run-state.ts';

/** Says where the run stands, to queries, in the Web UI and in Temporal's list of workflows. */
export function show(state: RunState, phase: RunState['phase'], sentence: string): Progress {
  state.phase = phase;
  state.sentence = sentence;
  const progress = progressOf(state);
  setCurrentDetails(
    renderDetails(progress, {
      description: describeRun(state.spec),
      errors: state.errors,
      patience: hasDownloaders(state) ? patienceSentence(state) : null,
      holding: hasDownloaders(state) ? (state.sample?.holding ?? 0) : 0,
    }),
  );
  writeSearchAttributes(state);
  return progress;
}

/** Whether the run is between its start of downloaders and their stop. */
export function hasDownloaders({ phase }: RunState): boolean {
  return phase === 'downloading' || phase === 'paused';
}
