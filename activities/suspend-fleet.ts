import type { FleetDeps } from './fleets/choose-fleet.ts';
import { fleetOf } from './start-fleet.ts';
import type { FleetInput } from './start-fleet.ts';

/** Stops a run's downloaders for a while: they release what they hold and end. */
export function createSuspendFleet(deps: FleetDeps) {
  return async function suspendFleet(input: FleetInput): Promise<void> {
    await fleetOf(deps, input).suspend(input.run.name);
  };
}
