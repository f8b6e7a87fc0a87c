import type { FleetState } from '../../domain/fleet-state.ts';
import type { EndingCase } from './endings.ts';
import { cleanUp, running, startedAgain } from './scripts.ts';
import { inRealTime } from './world.ts';
import type { Script } from './world.ts';

/** A fleet that is in this state while the first items are stored, and nobody does anything about it. */
function leftAlone(state: FleetState): Script {
  return {
    pace: inRealTime,
    slices: [{ counts: { stored: 3 } }, { counts: { stored: 10 } }],
    activities: { readFleet: () => Promise.resolve(state) },
  };
}

/** Runs whose fleet goes, comes back, grows, fails. */
export const fleetEndingCases: readonly EndingCase[] = [
  {
    name: 'completed-fleet-forgotten-and-started-again',
    script: { activities: startedAgain({ kind: 'absent' }) },
    expected: { kind: 'completed' },
    calls: ['startFleet', 'readFleet', 'startFleet', ...cleanUp],
  },
  {
    name: 'completed-by-the-next-generation',
    script: { activities: startedAgain({ kind: 'done' }) },
    expected: { kind: 'completed' },
    calls: ['startFleet', 'readFleet', 'startFleet', ...cleanUp],
    neverCalled: ['reconcile'],
  },
  {
    name: 'completed-while-the-cluster-was-away',
    script: leftAlone({ kind: 'unknown', message: 'list Jobs: connect ECONNREFUSED' }),
    expected: { kind: 'completed' },
    calls: ['startFleet', 'readFleet', ...cleanUp],
    neverCalled: ['scaleFleet', 'resumeFleet'],
  },
  {
    name: 'completed-after-waiting-for-nodes',
    script: leftAlone({ ...running, live: 0, waitingFor: 'a node: 0/2 nodes are available' }),
    expected: { kind: 'completed' },
    calls: ['startFleet', 'readFleet', ...cleanUp],
    neverCalled: ['scaleFleet', 'resumeFleet'],
  },
  {
    name: 'completed-after-adding-downloaders',
    input: { workers: { min: 1, max: 3 } },
    script: {
      total: 100,
      pace: inRealTime,
      sampleEveryMs: 130_000,
      slices: [{ counts: { stored: 3 }, holding: 4 }, { counts: { stored: 100 } }],
    },
    expected: { kind: 'completed' },
    calls: ['startFleet', 'readFleet', 'scaleFleet', ...cleanUp],
  },
  {
    name: 'failed-fleet',
    script: {
      slices: [{ counts: { stored: 3 }, heard: 0 }],
      activities: {
        readFleet: () => Promise.resolve({ kind: 'failed', message: 'no such command "x"' }),
      },
    },
    expected: { kind: 'failed', type: 'FleetFailed', message: /^no such command "x"$/ },
    calls: ['readFleet', ...cleanUp],
  },
];
