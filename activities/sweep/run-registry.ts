import type { RunStanding } from '../../domain/sweep.ts';

/** Where it is known which runs there are: Temporal, which activities do not ask by themselves. */
export type RunRegistry = {
  /** How a run stands. Throws when there is no answer: then nothing is known. */
  readonly read: (run: {
    readonly name: string;
    readonly workflowId: string;
  }) => Promise<RunStanding>;
  /** How long an ended run is remembered, ms. */
  readonly readRetentionMs: () => Promise<number>;
};
