/**
 * Every way a run or a sweep can fail, by the `type` that Temporal shows. Public: a type may be added, never renamed.
 * None of them is retried by Temporal; what may pass by itself is retried inside an activity.
 */
export const failureTypes = {
  /** The run's input is wrong; nothing was created. */
  InvalidRunSpec: 'InvalidRunSpec',
  /** Something the run needs is missing or forbidden; nothing was created. */
  PreflightFailed: 'PreflightFailed',
  /** The list cannot be read, is empty, or holds lines that cannot become objects; nothing was created. */
  InvalidList: 'InvalidList',
  /** The fleet cannot run at all, such as a misconfigured downloader. */
  FleetFailed: 'FleetFailed',
  /** More items failed than `tolerateFailures` allows. */
  TooManyFailures: 'TooManyFailures',
  /** The run's own `timeLimit` passed. */
  TimeLimitExceeded: 'TimeLimitExceeded',
  /** Items have no outcome although they were published again and again. */
  Unaccounted: 'Unaccounted',
  /** A step gave up: its activity failed in a way that trying again does not mend. */
  StepFailed: 'StepFailed',
  /** The work ended, but something of the run could not be removed; the message names it. */
  CleanUpFailed: 'CleanUpFailed',
  /** A newer collector writes this run's ledger; this one has to stop. */
  CollectorReplaced: 'CollectorReplaced',
  /** The sweep's input is wrong; nothing was removed. */
  InvalidSweepSpec: 'InvalidSweepSpec',
} as const;

/** What a step fails with when the run's queue is not there any more. The run makes it again: no run ends with it. */
export const queueLost = 'QueueLost';

export type FailureType = keyof typeof failureTypes;
