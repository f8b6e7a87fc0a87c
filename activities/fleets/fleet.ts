import type { Assignment } from '../../domain/assignment.ts';
import type { FleetState } from '../../domain/fleet-state.ts';
import type { Placement, PodRequest } from '../../domain/pod.ts';

/** What a fleet is asked to be. */
export type FleetPlan = {
  readonly run: string;
  readonly workflowId: string;
  readonly assignment: Assignment;
  /** Downloaders wanted. */
  readonly workers: number;
  readonly placement: Placement;
  readonly pod: PodRequest;
  /** The run's own limit, ms from its start; a fleet may hold itself to it as well. */
  readonly timeLimitMs?: number | undefined;
};

/** A run that a fleet has something of. */
export type FleetRun = {
  readonly run: string;
  /** Null when nothing says so. */
  readonly workflowId: string | null;
  /** When the newest of it was made, Unix ms. */
  readonly createdAtMs: number;
};

/**
 * The downloaders of a run. Two kinds: a Kubernetes Job, or child processes on this machine. Every call is
 * idempotent: starting what runs and stopping what is gone are successes.
 */
export interface Fleet {
  /** What would keep {@link start} from working, a line each; creates nothing. What may pass by itself is thrown. */
  check(plan: FleetPlan): Promise<readonly string[]>;
  /**
   * Starts the downloaders; when all of an earlier start have ended, the next generation of them. Rejects when the signal
   * comes before they were started: then they are not, for nobody might be left to stop them.
   */
  start(plan: FleetPlan, signal?: AbortSignal): Promise<void>;
  read(run: string): Promise<FleetState>;
  /** So many downloaders live from now on, those that ended idle not counted. */
  scale(run: string, workers: number): Promise<void>;
  suspend(run: string): Promise<void>;
  resume(run: string): Promise<void>;
  /** The runs of this installation that it has something of, whatever it is. */
  list(): Promise<readonly FleetRun[]>;
  /** Resolves when none is left; rejects when the signal ends the waiting. */
  stop(run: string, signal?: AbortSignal): Promise<void>;
}
