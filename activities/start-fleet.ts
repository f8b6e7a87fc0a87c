import { Context } from '@temporalio/activity';
import { failureTypes } from '../domain/failure-types.ts';
import type { RunRef } from '../domain/names.ts';
import type { RunSpec } from '../domain/run-spec.ts';
import { chooseFleet } from './fleets/choose-fleet.ts';
import type { FleetDeps, FleetName } from './fleets/choose-fleet.ts';
import type { Fleet } from './fleets/fleet.ts';
import { planFleet } from './fleets/plan-fleet.ts';
import { runFailure } from './run-failure.ts';

/** Which run's downloaders; without a fleet's name the Temporal worker's default. */
export type FleetInput = { readonly run: RunRef; readonly fleet?: FleetName | undefined };

export type StartFleetInput = {
  readonly run: RunRef;
  readonly spec: RunSpec;
  /** Downloaders wanted. */
  readonly workers: number;
};

/** Starts a run's downloaders, or the next generation of them when all have ended idle. */
export function createStartFleet(deps: FleetDeps) {
  return async function startFleet({ run, spec, workers }: StartFleetInput): Promise<void> {
    // It ends also when Temporal gave this attempt up: what it started later would come after the clean-up.
    const { cancellationSignal } = Context.current();
    await fleetOf(deps, spec).start(planFleet(run, spec, workers), cancellationSignal);
  };
}

/** @throws FleetFailed when this Temporal worker has no such fleet. */
export function fleetOf(deps: FleetDeps, { fleet }: Pick<FleetInput, 'fleet'>): Fleet {
  const choice = chooseFleet(deps, fleet);
  if (choice.kind === 'chosen') return choice.fleet;
  throw runFailure(failureTypes.FleetFailed, choice.problem);
}
