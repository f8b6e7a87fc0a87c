import type { Assignment } from '../../domain/assignment.ts';
import type { FleetState } from '../../domain/fleet-state.ts';

/** What a fleet is asked to be. */
export type FleetPlan = {
  readonly run: string;
  readonly assignment: Assignment;
  /** Downloaders wanted. */
  readonly workers: number;
};

/**
 * The downloaders of a run. Two kinds: a Kubernetes Job, or child processes on this machine. Every call is
 * idempotent: starting what runs and stopping what is gone are successes.
 */
export interface Fleet {
  start(plan: FleetPlan): Promise<void>;
  read(run: string): Promise<FleetState>;
  scale(run: string, workers: number): Promise<void>;
  suspend(run: string): Promise<void>;
  resume(run: string): Promise<void>;
  stop(run: string): Promise<void>;
}
