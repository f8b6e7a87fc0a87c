import {
  CancellationScope,
  allHandlersFinished,
  condition,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import type { ContinueAsNewOptions } from '@temporalio/workflow';
import type { PreflightFindings } from '../activities/preflight.ts';
import type { Ending } from '../domain/ending.ts';
import { failureTypes } from '../domain/failure-types.ts';
import type { RunResult } from '../domain/progress.ts';
import { parseRunSpec } from '../domain/run-spec.ts';
import type { RunSpec } from '../domain/run-spec.ts';
import { firstSample } from '../domain/sample.ts';
import type { Snapshot } from '../domain/snapshot.ts';
import { announce } from './announce.ts';
import { cleanUp } from './clean-up.ts';
import { number } from './details.ts';
import { cancelledRun, runFailure } from './failure.ts';
import { startDownloaders } from './fleet.ts';
import { follow } from './follow.ts';
import { limitTime } from './limit-time.ts';
import type { TimeLimit } from './limit-time.ts';
import { writeMemo } from './list-entry.ts';
import { answerMessages } from './messages.ts';
import { planLanes, publishList } from './publish.ts';
import { carry, newRunState, observe, resultOf } from './run-state.ts';
import type { Carried, RunState } from './run-state.ts';
import { show } from './show.ts';
import { createQueue, preflight, snapshotList } from './steps.ts';

/**
 * One run, from a list to a report. It decides; activities act; it holds only counts, never item ids (I8).
 * @param input what a user typed, see `domain/run-spec.ts`.
 * @param carried only from the run's own continue-as-new.
 */
export async function downloadRun(input: unknown, carried?: Carried): Promise<RunResult> {
  const state = newRunState(parse(input), carried);
  answerMessages(state);
  const limit = limitTime(state);
  const snapshot = carried?.snapshot ?? (await prepare(state, limit));

  const ending = await work(state, snapshot, { limit, isContinued: carried !== undefined });
  limit.clear();
  if (ending.kind === 'continue') {
    await handlersFinished();
    // A new execution would not know that it was cancelled: then this one cleans up.
    if (!CancellationScope.current().consideredCancelled) {
      return makeContinueAsNewFunc<typeof downloadRun>(nextExecution())(input, carry(state));
    }
  }

  const final = await cleanUp(state, snapshot, ending.kind === 'continue' ? cancelled : ending);
  const untold = await announce(state, final);
  show(state, 'ended', `${sentenceOf(final)}${untold}`);
  await handlersFinished();
  return close(state, final);
}

/**
 * Search attributes go on by themselves, a memo does not. Where the Temporal worker has versions and the server tells of a newer
 * one, the next execution begins on that.
 */
function nextExecution(): ContinueAsNewOptions {
  const { memo, targetWorkerDeploymentVersionChanged: isThereANewer } = workflowInfo();
  return {
    ...(memo === undefined ? {} : { memo }),
    ...(isThereANewer ? { initialVersioningBehavior: 'AUTO_UPGRADE' } : {}),
  };
}

const completed: Ending = { kind: 'completed' };
const cancelled: Ending = { kind: 'cancelled' };

/** Not cancellable: waiting in a cancelled scope throws at once, past the clean-up or in place of how the run ended. */
function handlersFinished(): Promise<void> {
  return CancellationScope.nonCancellable(() => condition(allHandlersFinished));
}

function parse(input: unknown): RunSpec {
  const parsed = parseRunSpec(input);
  if (parsed.kind === 'valid') return parsed.spec;
  throw runFailure(
    failureTypes.InvalidRunSpec,
    parsed.problems.map((problem) => `run spec: ${problem}`).join('\n'),
  );
}

/**
 * Preflight and snapshot. What ends here has created nothing.
 * @throws ApplicationFailure of the run, or its cancellation.
 */
async function prepare(state: RunState, limit: TimeLimit): Promise<Snapshot> {
  const { run, spec } = state;
  try {
    return await limit.scope.run(async () => {
      show(state, 'preflight', 'checking list, destination and fleet');
      const found: PreflightFindings | undefined = await preflight.executeWithOptions(
        { summary: 'Check list, destination and fleet' },
        [{ run, spec }],
      );
      // An older Temporal worker's says nothing.
      if (found !== undefined && found !== null) {
        state.searchAttributes = found.searchAttributes;
        writeMemo(state);
      }
      show(state, 'snapshot', 'reading the list');
      const snapshot = await snapshotList.executeWithOptions(
        { summary: 'Read, check and copy the list' },
        [{ run, spec }],
      );
      state.snapshot = snapshot;
      observe(state, firstSample(snapshot, Date.now()));
      return snapshot;
    });
  } catch (error) {
    limit.clear();
    const ending = limit.endingOf(error);
    const untold = await announce(state, ending);
    show(state, 'ended', `${sentenceOf(ending)}${untold}`);
    throw ending.kind === 'failed'
      ? runFailure(ending.type, ending.message, { cause: error })
      : cancelledRun('cancelled before its list was read');
  }
}

/** Queue, then publish ∥ fleet ∥ follow, until all is settled or something ends it. Never throws but for bugs. */
async function work(
  state: RunState,
  snapshot: Snapshot,
  { limit, isContinued }: { limit: TimeLimit; isContinued: boolean },
): Promise<Ending | { kind: 'continue' }> {
  if (snapshot.published === 0) return completed;
  const { scope } = limit;
  const parts: Promise<unknown>[] = [];
  try {
    const verdict = await scope.run(async () => {
      if (!isContinued) {
        show(state, 'queue', 'creating the queue');
        await createQueue.executeWithOptions({ summary: 'Create topics and subscriptions' }, [
          { run: state.run, spec: state.spec },
        ]);
        show(state, 'downloading', `publishing ${number(snapshot.published)} items`);
        state.lanes = planLanes(state, snapshot);
        parts.push(startDownloaders(state));
      }
      parts.push(publishList(state, snapshot));
      const following = follow(state, snapshot);
      parts.push(following);
      await Promise.all(parts);
      return following;
    });
    return verdict === 'settled' ? completed : { kind: 'continue' };
  } catch (error) {
    // A cancellation that comes from here on finds a run that has ended otherwise.
    const ending = limit.endingOf(error);
    scope.cancel();
    // What is under way may take its time to end; messages are too late.
    show(state, 'cleaning-up', 'ending what is under way');
    await CancellationScope.nonCancellable(() => Promise.allSettled(parts));
    return ending;
  }
}

function sentenceOf(ending: Ending): string {
  switch (ending.kind) {
    case 'completed':
      return 'completed: every item has an outcome';
    case 'cancelled':
      return 'cancelled';
    case 'failed':
      return `failed: ${ending.message}`;
  }
}

function close(state: RunState, ending: Ending): RunResult {
  const result = resultOf(state, Date.now());
  switch (ending.kind) {
    case 'completed':
      return result;
    case 'cancelled':
      throw cancelledRun(
        `cancelled with ${number(result.total)} items in all; see ${result.runFolder}`,
      );
    case 'failed':
      throw runFailure(ending.type, ending.message, { details: [result] });
  }
}
