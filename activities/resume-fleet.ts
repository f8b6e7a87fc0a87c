import type { FleetDeps } from './fleets/choose-fleet.ts';
import { fleetOf } from './start-fleet.ts';
import type { FleetInput } from './start-fleet.ts';

/** Starts a suspended run's downloaders again. */
export function createResumeFleet(deps: FleetDeps) {
  return async function resumeFleet(input: FleetInput): Promise<void> {
    await fleetOf(deps, input).resume(input.run.name);
  };
}
