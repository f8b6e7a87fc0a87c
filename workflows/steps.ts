import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

/**
 * The steps of a run, each with the times it is given. Passing faults are retried for ever, with pauses up to
 * half a minute: a cloud that is away for an hour delays a run, it does not end it.
 */

const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** A dead Temporal worker is noticed after this; the activities heartbeat each second. */
const heartbeatTimeout = '15s';

/** Calls to an API: seconds, unless it hangs. */
const quick: ActivityOptions = { startToCloseTimeout: '2m', heartbeatTimeout, retry };

/** Work over the whole list: hours for a hundred million items. What counts is that it heartbeats. */
const long: ActivityOptions = {
  startToCloseTimeout: '12h',
  heartbeatTimeout,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry,
};

/** Preflight looks at what may be mistyped: an answer now is better than a perfect one after an hour. */
export const { preflight } = proxyActivities<Activities>({
  ...quick,
  retry: { ...retry, maximumAttempts: 5 },
});

export const { readFleet, scaleFleet, suspendFleet, resumeFleet } =
  proxyActivities<Activities>(quick);

/** A run that is cancelled waits for a creation that is under way: what came to be after the clean-up would stay. */
export const { createQueue, startFleet } = proxyActivities<Activities>({
  ...quick,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

export const { snapshotList, publishItems, reconcile } = proxyActivities<Activities>(long);

/** A slice ends by itself; the limit only catches one that hangs: the longest slice (2 min) and as much again. */
export const { collectOutcomes } = proxyActivities<Activities>({
  ...long,
  startToCloseTimeout: '5m',
});

/** Clean-up and report go on for a day when a cloud is away, asking each two minutes; then the run says what is left. */
const lastStep: ActivityOptions = {
  scheduleToCloseTimeout: '24h',
  retry: { ...retry, maximumInterval: '2m' },
};

/** The same step as a slice; a bucket that is gone for good must not keep a run from ending. */
export const { collectOutcomes: collectLastOutcomes } = proxyActivities<Activities>({
  ...lastStep,
  startToCloseTimeout: '5m',
  heartbeatTimeout,
});

/** Downloaders have their grace time, ten minutes at the longest, and some seconds more to be killed in. */
const stopping: ActivityOptions = { ...lastStep, startToCloseTimeout: '15m', heartbeatTimeout };

export const { stopFleet } = proxyActivities<Activities>(stopping);

/** The same step's first tries, some quarter of a minute: then the run can say what it is waiting for. */
export const { stopFleet: stopFleetSoon } = proxyActivities<Activities>({
  ...stopping,
  retry: { ...retry, maximumAttempts: 5 },
});

export const { deleteQueue } = proxyActivities<Activities>({
  ...lastStep,
  startToCloseTimeout: '10m',
  heartbeatTimeout,
});

/** It goes on where it stood when it is retried; what it does not get done, the next sweep does. */
export const { deleteLeftovers } = proxyActivities<Activities>({
  ...long,
  startToCloseTimeout: '1h',
  retry: { ...retry, maximumAttempts: 5 },
});

/** A receiver that is away for longer is told nothing: the run's end is waited for as well. */
export const { notify } = proxyActivities<Activities>({
  ...quick,
  scheduleToCloseTimeout: '30m',
});

export const { writeReport } = proxyActivities<Activities>({
  ...lastStep,
  startToCloseTimeout: '12h',
  heartbeatTimeout,
});
