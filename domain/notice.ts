import type { Ending } from './ending.ts';
import type { RunResult } from './progress.ts';

/**
 * What a run tells at its end, as JSON, to the place that its run spec names. At least once: `run` says which are the same.
 * Public: a field may be added, none renamed.
 */
export type Notice = RunResult & {
  readonly run: string;
  readonly workflowId: string;
  readonly ending: Ending;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
};

/** Where notices go: a topic of Pub/Sub, or a web address that takes a POST. */
export const noticePlace = /^(projects\/[^/\s]+\/topics\/[^/\s]+|https?:\/\/\S+)$/;

export function isTopic(place: string): boolean {
  return place.startsWith('projects/');
}
