import { ApplicationFailure } from '@temporalio/activity';
import type { FleetState } from '../domain/fleet-state.ts';
import type { FleetDeps } from './fleets/choose-fleet.ts';
import { fleetOf } from './start-fleet.ts';
import type { FleetInput } from './start-fleet.ts';

/**
 * What a run's downloaders are doing. An owner that gives no answer is one of its answers: collecting goes on meanwhile.
 * @throws ApplicationFailure when asking again cannot help.
 */
export function createReadFleet(deps: FleetDeps) {
  return async function readFleet(input: FleetInput): Promise<FleetState> {
    const fleet = fleetOf(deps, input);
    try {
      return await fleet.read(input.run.name);
    } catch (error) {
      if (error instanceof ApplicationFailure && error.nonRetryable === true) throw error;
      return { kind: 'unknown', message: error instanceof Error ? error.message : String(error) };
    }
  };
}
