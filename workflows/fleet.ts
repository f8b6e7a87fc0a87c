import { failureTypes } from '../domain/failure-types.ts';
import { fleetSettleMs, planFleetSize, planScaleUp } from '../domain/fleet-size.ts';
import type { FleetState } from '../domain/fleet-state.ts';
import { isFleetReadDue } from '../domain/poll-schedule.ts';
import { bringBack } from './bring-back.ts';
import { passingFault, runFailure } from './failure.ts';
import {
  ageMs,
  allowedWorkers,
  isHeld,
  isPublishing,
  outstandingOf,
  waitingOf,
} from './run-state.ts';
import type { RunState } from './run-state.ts';
import { hasDownloaders } from './show.ts';
import { readFleet, resumeFleet, scaleFleet, startFleet, suspendFleet } from './steps.ts';

/**
 * A step of looking after the fleet: four or five tries. Nobody collects meanwhile, and a cluster that is away for longer is
 * asked again at the next look.
 */
const tending = { scheduleToCloseTimeout: '20s' } as const;

/** What was just started is not started again before this, should it not be seen at once. */
const startSeenMs = 5_000;

/** Starts the first downloaders. What may pass is left to the next look: it finds none and starts them. */
export function startDownloaders(state: RunState): Promise<void> {
  return alone(state, () => start(state, outstandingOf(state)));
}

/** Whether the fleet is to be looked at after this slice. */
export function isLookDue(state: RunState): boolean {
  return isFleetReadDue({
    ageMs: ageMs(state),
    sinceLastReadMs: Date.now() - state.fleetReadAtMs,
    isAsWanted: isAsWanted(state),
  });
}

function isAsWanted(state: RunState): boolean {
  const { fleet, sample } = state;
  if (fleet?.kind === 'suspended') return isHeld(state);
  if (fleet?.kind !== 'running' || isHeld(state)) return false;
  const isTooLarge = fleet.wanted > allowedWorkers(state).max;
  return !isTooLarge && (sample?.heard ?? 0) >= fleet.wanted;
}

/**
 * Looks at the fleet and mends it: starts it again when its owner forgot it, or it ended before the items did; adds to it
 * when items wait; pauses or resumes it as the run is. What may pass is tried again at the next look.
 * @throws ApplicationFailure `FleetFailed`, or `Unaccounted` of {@link bringBack}.
 */
export function tendFleet(state: RunState): Promise<void> {
  return alone(state, async () => {
    const fleet = await look();
    state.fleet = fleet;
    state.fleetReadAtMs = Date.now();
    if (hasDownloaders(state)) await mend(fleet);
  });

  async function look(): Promise<FleetState> {
    const { run, spec } = state;
    try {
      return await readFleet.executeWithOptions(
        { ...tending, summary: 'Look at the downloaders' },
        [{ run, fleet: spec.fleet }],
      );
    } catch (error) {
      return { kind: 'unknown', message: passingFault(error) };
    }
  }

  async function mend(fleet: FleetState): Promise<void> {
    state.trouble = null;
    const wasJustStarted = Date.now() - state.fleetStartedAtMs < startSeenMs;
    switch (fleet.kind) {
      case 'failed':
        throw runFailure(failureTypes.FleetFailed, fleet.message);
      case 'absent':
        if (!isHeld(state) && !wasJustStarted) await start(state, outstandingOf(state));
        break;
      case 'done':
        if (!isHeld(state) && !wasJustStarted) await startNextGeneration(state);
        break;
      // It answers again some time; the downloaders and their outcomes do not wait for it.
      case 'unknown':
        break;
      // A pause and a start, or two messages, may have crossed.
      case 'running':
        if (isHeld(state)) await suspend(state);
        // Origins ask for patience; or somebody asked for fewer while a start was under way whose answer was lost.
        else if (fleet.wanted > allowedWorkers(state).max) {
          await scale(state, allowedWorkers(state).max);
        } else await addDownloaders(state, fleet.wanted);
        break;
      case 'suspended':
        if (!isHeld(state)) await goOn(state);
        break;
    }
  }
}

/** One at a time: whoever comes second leaves it to the first, and to the next look. */
async function alone(state: RunState, tend: () => Promise<void>): Promise<void> {
  if (state.isTending) return;
  state.isTending = true;
  try {
    await tend();
  } finally {
    state.isTending = false;
  }
}

async function start(state: RunState, items: number): Promise<void> {
  const { run, spec } = state;
  const asked = state.workers;
  const workers = planFleetSize(items, spec.concurrency, allowedWorkers(state));
  if (workers <= 0) return;
  const downloaders = `${workers} downloader${workers === 1 ? '' : 's'}`;
  const isStarted = await attempt(state, `start ${downloaders}`, () =>
    startFleet.executeWithOptions(
      { ...tending, summary: `Start ${downloaders} of ${spec.concurrency} slots` },
      [{ run, spec, workers }],
    ),
  );
  state.fleetStartedAtMs = Date.now();
  state.enoughUntilMs = Math.max(state.enoughUntilMs, Date.now() + fleetSettleMs);
  if (!isStarted) return;
  // Messages that came meanwhile found nothing to act on.
  if (state.workers !== asked) await scale(state, allowedWorkers(state).max);
  if (isHeld(state)) await suspend(state);
}

/** Every downloader ended idle. For what waits nevertheless there are new ones, but not while outcomes still come in. */
async function startNextGeneration(state: RunState): Promise<void> {
  const waiting = waitingOf(state);
  if (waiting <= 0 || !state.isQuiet) return;
  const outstanding = outstandingOf(state);
  // The last ones were started for these very items and did not find them.
  if (outstanding === state.outstandingAtGeneration && !isPublishing(state)) await bringBack(state);
  state.outstandingAtGeneration = outstanding;
  await start(state, waiting);
}

/** The fleet never shrinks here: a downloader without work ends by itself, and scaling down may hit a busy one. */
async function addDownloaders(state: RunState, wanted: number): Promise<void> {
  if (state.sample === null) return;
  const workers = planScaleUp({
    sample: state.sample,
    wanted,
    enoughUntilMs: state.enoughUntilMs,
    waiting: waitingOf(state),
    outstanding: outstandingOf(state),
    slots: state.spec.concurrency,
    workers: allowedWorkers(state),
  });
  if (workers === null) return;
  if (await scale(state, workers)) state.enoughUntilMs = Date.now() + fleetSettleMs;
}

function scale(state: RunState, workers: number): Promise<boolean> {
  const { run, spec } = state;
  return attempt(state, `scale to ${workers} downloaders`, () =>
    scaleFleet.executeWithOptions({ ...tending, summary: `Scale to ${workers} downloaders` }, [
      { run, fleet: spec.fleet, workers },
    ]),
  );
}

async function suspend(state: RunState): Promise<void> {
  const { run, spec } = state;
  const summary = `Pause the downloaders${state.isPaused ? '' : ', for the site to cool down'}`;
  await attempt(state, 'pause the downloaders', () =>
    suspendFleet.executeWithOptions({ ...tending, summary }, [{ run, fleet: spec.fleet }]),
  );
}

/** After a cooling one downloader tries first: the others are taken away before any of them starts. */
async function goOn(state: RunState): Promise<void> {
  const { limit } = state.breaker;
  if (limit !== null && !(await scale(state, allowedWorkers(state).max))) return;
  await resume(state);
}

async function resume(state: RunState): Promise<void> {
  const { run, spec } = state;
  await attempt(state, 'go on with the downloaders', () =>
    resumeFleet.executeWithOptions({ ...tending, summary: 'Go on with the downloaders' }, [
      { run, fleet: spec.fleet },
    ]),
  );
}

/** Whether it was done; if not, the run says so and the next look tries again. */
async function attempt(
  state: RunState,
  doing: string,
  step: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    state.trouble = `could not ${doing}: ${passingFault(error)}`;
    return false;
  }
}
