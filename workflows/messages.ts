import { condition, defineQuery, defineUpdate, setHandler } from '@temporalio/workflow';
import type { Progress } from '../domain/progress.ts';
import type { RunErrors } from '../domain/run-errors.ts';
import type { RunFleet } from '../domain/run-fleet.ts';
import { rateLimits } from '../domain/run-spec.ts';
import { errorsAnswer, fleetAnswer } from './answers.ts';
import { number } from './details.ts';
import { tendFleet } from './fleet.ts';
import { refuseRateLimit, setRateLimit } from './rate-limit.ts';
import { refuse, refuseUnlessDownloading } from './refuse.ts';
import { allowedWorkers, isCooling, pausedSentence, progressOf } from './run-state.ts';
import type { RunState } from './run-state.ts';
import { sentenceOf } from './sentence.ts';
import { hasDownloaders, show } from './show.ts';
import { resumeFleet, scaleFleet, suspendFleet } from './steps.ts';

/** Messages a run understands. Their names are public: added, never renamed. */
export const progressQuery = defineQuery<Progress>('progress');
export const errorsQuery = defineQuery<RunErrors>('errors');
export const fleetQuery = defineQuery<RunFleet>('fleet');
export const pauseUpdate = defineUpdate<Progress>('pause');
export const resumeUpdate = defineUpdate<Progress>('resume');
export const scaleUpdate = defineUpdate<Progress, [workers: number]>('scale');
export const setRateLimitUpdate = defineUpdate<Progress, [itemsPerMinute: number | null]>(
  'setRateLimit',
);

/** Who sends a message waits for its answer, and a run's end waits for both: then rather a clear failure, and the run mends it. */
const steering = { scheduleToCloseTimeout: '2m' } as const;

/** Most downloaders of one run: the nodes of the largest cluster. */
const maxWorkers = 15_000;

export function answerMessages(state: RunState): void {
  const { run, spec } = state;
  const fleet = spec.fleet;

  setHandler(progressQuery, () => progressOf(state), {
    description: 'Counts, rate, time left and fleet of this run, and as of when they are true.',
  });

  setHandler(errorsQuery, () => errorsAnswer(state), {
    description:
      'The most frequent errors that items failed with: how many came with each, and keys of the first of them.',
  });

  setHandler(fleetQuery, () => fleetAnswer(state), {
    description:
      'The downloaders of this run: how many there are, may be and work, what they wait for, and until when they cool down.',
  });

  setHandler(
    pauseUpdate,
    async () => {
      state.isPaused = true;
      try {
        await suspendFleet.executeWithOptions({ ...steering, summary: 'Pause the downloaders' }, [
          { run, fleet },
        ]);
      } catch (error) {
        // Who asked is told that it failed: then the run is not to pause by itself later.
        state.isPaused = false;
        throw error;
      }
      return showSteered(state, 'paused', pausedSentence);
    },
    {
      description:
        'Stops the downloaders; what they hold is released. Nothing is lost. Undo with resume.',
      validator: () => {
        refuseUnlessDownloading(state);
        if (state.isPaused) refuse('the run is paused already');
      },
    },
  );

  setHandler(
    resumeUpdate,
    async () => {
      // A run that cools down goes on when that is over.
      if (!isCooling(state)) {
        await resumeFleet.executeWithOptions(
          { ...steering, summary: 'Go on with the downloaders' },
          [{ run, fleet }],
        );
      }
      state.isPaused = false;
      // Standing still on purpose was no stall.
      state.lastMovedAtMs = Date.now();
      // Its Job may have been deleted meanwhile, and the next slice may be minutes away.
      await condition(() => !state.isTending);
      await tendFleet(state);
      return showSteered(
        state,
        'downloading',
        isCooling(state) ? sentenceOf(state) : 'downloading again',
      );
    },
    {
      description: 'Starts the downloaders of a paused run again.',
      validator: () => {
        if (!state.isPaused) refuse('the run is not paused');
        refuseUnlessDownloading(state);
      },
    },
  );

  setHandler(
    scaleUpdate,
    async (workers) => {
      const before = state.workers;
      const asked = { min: workers, max: workers };
      state.workers = asked;
      const now = allowedWorkers(state).max;
      try {
        await scaleFleet.executeWithOptions(
          { ...steering, summary: `Scale to ${now} downloaders` },
          [{ run, fleet, workers: now }],
        );
      } catch (error) {
        // As with pause; unless another message came meanwhile.
        if (state.workers === asked) state.workers = before;
        throw error;
      }
      const forNow = now < workers ? `, ${now} while the site asks for patience` : '';
      const scaled = `scaled to ${workers} downloaders${forNow}`;
      return showSteered(
        state,
        state.phase,
        state.isPaused ? `${pausedSentence}; ${scaled}` : scaled,
      );
    },
    {
      description: `Changes the number of downloaders, 1 to ${maxWorkers}.`,
      validator: (workers) => {
        refuseUnlessDownloading(state);
        if (!Number.isInteger(workers) || workers < 1 || workers > maxWorkers) {
          refuse(`scale takes a whole number of downloaders from 1 to ${maxWorkers}`);
        }
      },
    },
  );

  setHandler(
    setRateLimitUpdate,
    (itemsPerMinute) => {
      const said = setRateLimit(state, itemsPerMinute);
      if (!hasDownloaders(state)) return progressOf(state);
      return show(state, state.phase, state.isPaused ? `${pausedSentence}; ${said}` : said);
    },
    {
      description: `Changes how many items a minute are published, ${rateLimits.min} to ${number(rateLimits.max)}; null removes the limit. What is published already is not held back.`,
      validator: (itemsPerMinute) => refuseRateLimit(state, itemsPerMinute),
    },
  );
}

/** As {@link show}; but a run that ended its work while the message was acted on is not called back to it. */
function showSteered(state: RunState, phase: RunState['phase'], sentence: string): Progress {
  return hasDownloaders(state) ? show(state, phase, sentence) : progressOf(state);
}
