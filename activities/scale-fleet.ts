import type { FleetDeps } from './fleets/choose-fleet.ts';
import { fleetOf } from './start-fleet.ts';
import type { FleetInput } from './start-fleet.ts';

export type ScaleFleetInput = FleetInput & {
  /** Downloaders wanted from now on. */
  readonly workers: number;
};

/** Changes the number of a run's downloaders. */
export function createScaleFleet(deps: FleetDeps) {
  return async function scaleFleet(input: ScaleFleetInput): Promise<void> {
    await fleetOf(deps, input).scale(input.run.name, input.workers);
  };
}
