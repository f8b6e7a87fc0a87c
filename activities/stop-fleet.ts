import { Context } from '@temporalio/activity';
import type { FleetDeps } from './fleets/choose-fleet.ts';
import { keepHeartbeating } from './heartbeat.ts';
import { fleetOf } from './start-fleet.ts';
import type { FleetInput } from './start-fleet.ts';

/** Stops a run's downloaders and resolves when none is left; absent is stopped. */
export function createStopFleet(deps: FleetDeps) {
  return async function stopFleet(input: FleetInput): Promise<void> {
    // Waiting for the grace time of downloaders must not look like a dead Temporal worker, nor a dead one like waiting.
    using _ = keepHeartbeating(() => undefined);
    await fleetOf(deps, input).stop(input.run.name, Context.current().cancellationSignal);
  };
}
