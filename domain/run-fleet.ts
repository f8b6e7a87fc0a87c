import type { Workers } from './fleet-size.ts';
import type { FleetState } from './fleet-state.ts';

/** What query `fleet` answers. Public: fields are added, never renamed. */
export type RunFleet = {
  /** What its owner said at the last look; null before the first. */
  readonly fleet: FleetState | null;
  /** When that was, ISO 8601. */
  readonly readAt: string | null;
  /** How many downloaders the run may have, by its input or the last `scale`. */
  readonly workers: Workers;
  /** Most that it may have at this moment: fewer while origins ask for patience. */
  readonly allowed: number;
  /** Items that each of them works on at once. */
  readonly concurrency: number;
  /** Downloaders that spoke lately; those of them with nothing in hand; and whose origins ask for patience. */
  readonly heard: number;
  readonly idle: number;
  readonly pausing: number;
  /** Items in their hands. */
  readonly holding: number;
  /** When the downloaders were counted, ISO 8601; null before the first outcomes. */
  readonly asOf: string | null;
  readonly isPaused: boolean;
  /** Until when all of them are suspended for origins to cool down, ISO 8601; null when they are not. */
  readonly coolingUntil: string | null;
  /** What could not be done with the fleet at the last look, and is tried again; null when all could. */
  readonly trouble: string | null;
};
