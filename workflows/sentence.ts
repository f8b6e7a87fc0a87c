import { shortText } from '../domain/short-text.ts';
import { number } from './details.ts';
import { patienceSentence } from './patience.ts';
import { isCooling, isPublishing, outstandingOf, pausedSentence } from './run-state.ts';
import type { RunState } from './run-state.ts';

/** What is going on while a run has downloaders, and what is waited for. */
export function sentenceOf(state: RunState): string {
  const { trouble } = state;
  const sentence = state.isPaused ? pausedSentence : activitySentence(state);
  return trouble === null ? sentence : `${sentence}; ${shortText(trouble)}`;
}

function activitySentence(state: RunState): string {
  const { fleet, sample } = state;
  if (isCooling(state)) return patienceSentence(state) ?? '';
  const isHeard = (sample?.heard ?? 0) > 0;
  if (fleet?.kind === 'unknown') {
    const silence = `the cluster does not answer: ${shortText(fleet.message)}`;
    return isHeard ? `${workSentence(state)}; ${silence}` : silence;
  }
  // By the fleet and not by beats: those of the dead are fresh for a minute and a half.
  if (fleet?.kind === 'running' && fleet.live === 0 && fleet.waitingFor !== undefined) {
    return `waiting for ${shortText(fleet.waitingFor)}`;
  }
  if (isHeard) return workSentence(state);
  if (fleet?.kind === 'done') {
    return `waiting for the ${isPublishing(state) ? 'next items' : 'last outcomes'}`;
  }
  return 'waiting for downloaders';
}

function workSentence(state: RunState): string {
  const patience = patienceSentence(state);
  if (patience !== null) return patience;
  if (state.fruitlessRounds > 0) {
    return `waiting for ${number(outstandingOf(state))} items that were published again (round ${state.fruitlessRounds})`;
  }
  return isPublishing(state) ? 'publishing and downloading' : 'downloading';
}
