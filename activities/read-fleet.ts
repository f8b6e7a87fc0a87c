import type { FleetState } from '../domain/fleet-state.ts';
import type { FleetDeps } from './fleets/choose-fleet.ts';
import { fleetOf } from './start-fleet.ts';
import type { FleetInput } from './start-fleet.ts';

/** What a run's downloaders are doing. */
export function createReadFleet(deps: FleetDeps) {
  return async function readFleet(input: FleetInput): Promise<FleetState> {
    return fleetOf(deps, input).read(input.run.name);
  };
}
