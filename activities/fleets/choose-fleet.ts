import type { RunSpec } from '../../domain/run-spec.ts';
import type { Fleet } from './fleet.ts';

export type FleetName = NonNullable<RunSpec['fleet']>;

/** Which fleets this Temporal worker has, and which one a run gets that names none. */
export type FleetDeps = {
  readonly fleets: Readonly<Partial<Record<FleetName, Fleet>>>;
  readonly defaultFleet: FleetName;
};

export type FleetChoice =
  | { readonly kind: 'chosen'; readonly name: FleetName; readonly fleet: Fleet }
  | { readonly kind: 'unknown'; readonly problem: string };

/** How to get a fleet that a Temporal worker lacks. */
const remedies: Record<FleetName, string> = {
  local:
    'downloaders on its own machine are not allowed here; use "fleet": "kubernetes", or allow them in its configuration',
  kubernetes: 'give it access to a cluster, or use "fleet": "local"',
};

/** The fleet of this name, or the default one. */
export function chooseFleet(deps: FleetDeps, wanted: FleetName | undefined): FleetChoice {
  const name = wanted ?? deps.defaultFleet;
  const fleet = deps.fleets[name];
  if (fleet !== undefined) return { kind: 'chosen', name, fleet };
  return {
    kind: 'unknown',
    problem: `find fleet "${name}": this Temporal worker has none — ${remedies[name]}`,
  };
}
