import { ActivityFailure, CancellationScope, condition } from '@temporalio/workflow';
import type { Ending } from '../domain/ending.ts';
import { failureTypes } from '../domain/failure-types.ts';
import { countErrors } from '../domain/run-errors.ts';
import { shortText } from '../domain/short-text.ts';
import type { Snapshot } from '../domain/snapshot.ts';
import { passingFault } from './failure.ts';
import { observe } from './run-state.ts';
import type { RunState } from './run-state.ts';
import { show } from './show.ts';
import {
  collectLastOutcomes,
  deleteQueue,
  stopFleet,
  stopFleetSoon,
  writeReport,
} from './steps.ts';

/** The last collecting, after the fleet stopped: it ends when the topic is quiet, and at the latest after this. */
const longestDrainMs = 60_000;

/**
 * Leaves the world as it was, whatever ended the run, and writes the report: stop the fleet, drain the last
 * outcomes, delete the queue, report. Cancelling does not stop it. One step's failure does not stop the next.
 * @returns the ending, worsened when something could not be removed.
 */
export function cleanUp(state: RunState, snapshot: Snapshot, ending: Ending): Promise<Ending> {
  return CancellationScope.nonCancellable(async () => {
    const { run, spec } = state;
    const left: string[] = [];
    const attempt = async (what: string, step: () => Promise<unknown>) => {
      const failure = await failureOf(step);
      if (failure !== null) left.push(`${what}: ${failure}`);
    };
    if (snapshot.published > 0) {
      // Without lanes it ended before its queue was there, and before anybody was started.
      if (state.lanes.length > 0) {
        show(state, 'cleaning-up', stoppingSentence);
        // A message may be starting downloaders: what came to be after the next step would stay.
        await condition(() => !state.isTending);
        await attempt('stop fleet', () => stopDownloaders(state));
        // Where it fails nothing is left behind: what it would have brought is `unsettled` in the report.
        await failureOf(async () => {
          const sample = await collectLastOutcomes.executeWithOptions(
            { summary: 'Collect the last outcomes' },
            [
              {
                run,
                snapshot,
                sliceMs: longestDrainMs,
                until: 'quiet',
                errorsKnown: countErrors(state.errors),
              },
            ],
          );
          observe(state, sample);
        });
      }
      show(state, 'cleaning-up', 'deleting the queue');
      await attempt('delete queue', () =>
        deleteQueue.executeWithOptions({ summary: 'Delete topics and subscriptions' }, [{ run }]),
      );
    }
    show(state, 'reporting', 'writing the report');
    await attempt('write report', () =>
      writeReport.executeWithOptions({ summary: 'Write results and report' }, [
        {
          run,
          spec,
          snapshot,
          ending: worsened(ending, left),
          startedAtMs: state.startedAtMs,
          endedAtMs: Date.now(),
        },
      ]),
    );
    return worsened(ending, left);
  });
}

const stoppingSentence = 'stopping the downloaders';

/** A cluster that is away is waited for, for a day, and the run says so. */
async function stopDownloaders(state: RunState): Promise<void> {
  const input = { run: state.run, fleet: state.spec.fleet };
  try {
    await stopFleetSoon.executeWithOptions({ summary: 'Stop the downloaders' }, [input]);
  } catch (error) {
    const fault = shortText(passingFault(error));
    show(state, 'cleaning-up', `${stoppingSentence}, not yet with success: ${fault}`);
    await stopFleet.executeWithOptions({ summary: 'Stop the downloaders, however long it takes' }, [
      input,
    ]);
  }
}

/** What a step gave up with, in words; null when it did not. */
async function failureOf(step: () => Promise<unknown>): Promise<string | null> {
  try {
    await step();
    return null;
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    return error.cause?.message ?? error.message;
  }
}

/** A run that failed keeps its own failure, which a person has to know first; what is left is said behind it. */
function worsened(ending: Ending, left: readonly string[]): Ending {
  if (left.length === 0) return ending;
  const message = left.join('; ');
  return ending.kind === 'failed'
    ? { ...ending, message: `${ending.message} — besides, could not ${message}` }
    : { kind: 'failed', type: failureTypes.CleanUpFailed, message };
}
