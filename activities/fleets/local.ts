import type { FleetState } from '../../domain/fleet-state.ts';
import type { Fleet, FleetPlan } from './fleet.ts';
import { countEarlier, deleteStaged, startDownloader } from './local/downloader-process.ts';
import type { DownloaderProgram } from './local/downloader-process.ts';
import { Keeper } from './local/keeper.ts';

export type LocalFleetDeps = DownloaderProgram & {
  readonly log: { warn(fields: object, message: string): void };
};

/** The local fleet can also be told that its process ends. */
export type LocalFleet = Fleet & {
  /** Stops the downloaders of all runs and resolves when none is left. */
  stopAll(): Promise<void>;
};

type Crew = {
  readonly plan: FleetPlan;
  readonly createdAtMs: number;
  /** One an index. An index that ended is not used again. */
  readonly keepers: Keeper[];
  isSuspended: boolean;
};

/**
 * Downloaders as child processes of the Temporal worker. What is known of them is in its memory: after its restart
 * a run's fleet is `absent`, and rightly so, for a child drains and exits when the pipe to its parent ends.
 */
export function createLocalFleet(deps: LocalFleetDeps): LocalFleet {
  const crews = new Map<string, Crew>();
  /** Runs that are being stopped: starting waits for that, or the new crew's files would be deleted. */
  const stopping = new Map<string, Promise<void>>();

  const fleet: LocalFleet = {
    async check({ placement, pod }) {
      const asked = [
        ...Object.keys(pod).map((field) => `pod.${field}`),
        ...(placement === 'any' ? [] : ['placement']),
      ];
      return asked.map(
        (field) =>
          `start fleet local: "${field}" is for pods, and its downloaders are processes of one machine — leave it out, or use "fleet": "kubernetes"`,
      );
    },

    async start(plan) {
      await stopping.get(plan.run);
      const crew = crews.get(plan.run);
      if (crew !== undefined && isUnderWay(stateOf(crew))) return;
      const keepers = crew?.keepers ?? [];
      for (const keeper of keepers) void keeper.stop();
      const next: Crew = { plan, keepers, createdAtMs: Date.now(), isSuspended: false };
      crews.set(plan.run, next);
      setWanted(deps, next, plan.workers);
    },

    async read(run) {
      const crew = crews.get(run);
      return crew === undefined ? { kind: 'absent' } : stateOf(crew);
    },

    async scale(run, workers) {
      const crew = crews.get(run);
      if (crew !== undefined) setWanted(deps, crew, workers);
    },

    async suspend(run) {
      const crew = crews.get(run);
      if (crew === undefined || crew.isSuspended) return;
      crew.isSuspended = true;
      for (const keeper of crew.keepers) keeper.pause();
    },

    async resume(run) {
      const crew = crews.get(run);
      if (crew === undefined || !crew.isSuspended) return;
      crew.isSuspended = false;
      for (const keeper of crew.keepers) keeper.resume();
    },

    async list() {
      return [...crews].map(([run, { plan, createdAtMs }]) => {
        return { run, workflowId: plan.workflowId, createdAtMs };
      });
    },

    async stop(run) {
      const earlier = stopping.get(run);
      if (earlier !== undefined) return earlier;
      const crew = crews.get(run);
      crews.delete(run);
      const stopped = stopCrew(deps, run, crew);
      stopping.set(run, stopped);
      try {
        await stopped;
      } finally {
        stopping.delete(run);
      }
    },

    async stopAll() {
      await Promise.all([...crews.keys()].map((run) => fleet.stop(run)));
      await Promise.all(stopping.values());
    },
  };
  return fleet;
}

async function stopCrew(deps: LocalFleetDeps, run: string, crew: Crew | undefined): Promise<void> {
  await Promise.all(crew?.keepers.map((keeper) => keeper.stop()) ?? []);
  await deleteStaged(deps, run);
}

function isUnderWay(state: FleetState): boolean {
  return state.kind === 'running' || state.kind === 'suspended';
}

/** Downloaders that are asked for: they live, wait to be replaced, or are paused. */
function wantedOf(crew: Crew): Keeper[] {
  const kinds = ['live', 'waiting', 'paused'];
  return crew.keepers.filter((keeper) => kinds.includes(keeper.state.kind));
}

/** Adds downloaders behind the last one, or stops the last ones. */
function setWanted(deps: LocalFleetDeps, crew: Crew, workers: number): void {
  const wanted = wantedOf(crew);
  for (const keeper of wanted.slice(workers)) void keeper.stop();
  for (let missing = workers - wanted.length; missing > 0; missing -= 1) {
    const keeper = newKeeper(deps, crew.plan, crew.keepers.length);
    crew.keepers.push(keeper);
    if (!crew.isSuspended) keeper.resume();
  }
}

function newKeeper(deps: LocalFleetDeps, { run, assignment }: FleetPlan, index: number): Keeper {
  const prefix = `${run}-${index}-`;
  const earlier = countEarlier(deps, run, prefix);
  return new Keeper(
    (replacement) => startDownloader(deps, assignment, `${prefix}${earlier + replacement}`),
    (message) => deps.log.warn({ run, index }, message),
  );
}

function stateOf(crew: Crew): FleetState {
  const states = crew.keepers.map((keeper) => keeper.state);
  const failed = states.find((state) => state.kind === 'failed');
  if (failed !== undefined) return { kind: 'failed', message: failed.message };
  const wanted = wantedOf(crew).length;
  if (wanted === 0) return { kind: 'done' };
  if (crew.isSuspended) return { kind: 'suspended' };
  const waiting = states.find((state) => state.kind === 'waiting');
  return {
    kind: 'running',
    live: states.filter((state) => state.kind === 'live').length,
    wanted,
    replaced: crew.keepers.reduce((sum, keeper) => sum + keeper.replaced, 0),
    preempted: 0,
    ...(waiting === undefined ? {} : { waitingFor: `the next downloader: ${waiting.reason}` }),
  };
}
