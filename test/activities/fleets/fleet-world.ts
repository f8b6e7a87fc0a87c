import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCreateQueue } from '../../../activities/create-queue.ts';
import type { Fleet, FleetPlan } from '../../../activities/fleets/fleet.ts';
import { createLocalFleet } from '../../../activities/fleets/local.ts';
import type { LocalFleet, LocalFleetDeps } from '../../../activities/fleets/local.ts';
import { planFleet } from '../../../activities/fleets/plan-fleet.ts';
import type { FleetState } from '../../../domain/fleet-state.ts';
import { uniqueName } from '../../support/unique-name.ts';
import { closeWorld, inActivity, newRun, openWorld, specOf } from '../world.ts';

/** Local fleets on real servers, and what a test asks of their processes. */
export type FleetWorld = Awaited<ReturnType<typeof openFleetWorld>>;

export async function openFleetWorld() {
  const world = await openWorld();
  const fleets: LocalFleet[] = [];
  return {
    folder: world.stack.folder,

    /** A fleet of its own folder. */
    newFleet(deps: Partial<LocalFleetDeps> = {}) {
      const folder = join(world.stack.folder, uniqueName('fleet'));
      const deaths: string[] = [];
      const fleet = createLocalFleet({
        environment: process.env,
        stagingFolder: join(folder, 'staging'),
        logFolder: join(folder, 'logs'),
        graceSeconds: 5,
        log: { warn: (_, message) => deaths.push(message) },
        ...deps,
      });
      fleets.push(fleet);
      return { fleet, folder, deaths };
    },

    /** A run with an empty queue, whose downloaders therefore idle. */
    async idleRun(workers: number, more: { idleExitMs?: number } = {}): Promise<FleetPlan> {
      const run = newRun(world.stack.bucket);
      const spec = specOf({
        items: ['a'],
        destination: `gs://${run.bucket}/${run.name}/`,
        task: { kind: 'http' },
      });
      await inActivity(createCreateQueue({ ...world.google, installation: 'test' }), { run, spec });
      const plan = planFleet(run, spec, workers);
      return { ...plan, assignment: { ...plan.assignment, ...more } };
    },

    async close(): Promise<void> {
      await Promise.all(fleets.map((fleet) => fleet.stopAll()));
      await closeWorld(world);
    },
  };
}

/** Downloaders start within seconds, even where two cores run all tests; what takes longer does not come. */
const patienceMs = 20_000;

/** Resolves when the condition holds. */
export async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline)
      throw new Error(`not within ${patienceMs} ms: ${String(isTrue)}`);
    await sleep(20);
  }
}

/** Resolves when the fleet's state is what the test waits for. */
export async function until(
  fleet: Fleet,
  run: string,
  isReached: (state: FleetState) => boolean,
): Promise<FleetState> {
  await eventually(async () => isReached(await fleet.read(run)));
  return fleet.read(run);
}

/** Process ids of the run's downloaders on this machine, from what the system knows. */
export async function pidsOf(run: string): Promise<number[]> {
  const pids: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = await readFile(`/proc/${entry}/environ`, 'utf8').catch(() => '');
    if (environment.includes(`SPOTLOOP_DOWNLOADER=${run}-`)) pids.push(Number(entry));
  }
  return pids;
}

/** Resolves when so many downloaders have logged that they work. */
export async function started(folder: string, run: string, count: number): Promise<void> {
  const logs = join(folder, 'logs', run);
  await eventually(async () => {
    const names = await readdir(logs).catch(() => []);
    const texts = await Promise.all(names.map((name) => readFile(join(logs, name), 'utf8')));
    return texts.filter((text) => text.includes('downloader started')).length >= count;
  });
}
