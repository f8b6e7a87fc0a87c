import { Context } from '@temporalio/activity';
import type { FleetDeps } from './fleets/choose-fleet.ts';
import { fleetOf } from './start-fleet.ts';
import type { FleetInput } from './start-fleet.ts';

/** Stops a run's downloaders and resolves when none is left; absent is stopped. */
export function createStopFleet(deps: FleetDeps) {
  return async function stopFleet(input: FleetInput): Promise<void> {
    await fleetOf(deps, input).stop(input.run.name, Context.current().cancellationSignal);
  };
}
