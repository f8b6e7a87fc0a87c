import type { RunErrors } from '../domain/run-errors.ts';
import type { RunFleet } from '../domain/run-fleet.ts';
import { allowedWorkers } from './run-state.ts';
import type { RunState } from './run-state.ts';

/** The answer of query `errors`. */
export function errorsAnswer({ errors, sample }: RunState): RunErrors {
  return { asOf: sample === null ? null : isoTime(sample.asOfMs), ...errors };
}

/** The answer of query `fleet`. */
export function fleetAnswer(state: RunState): RunFleet {
  const { sample, breaker } = state;
  return {
    fleet: state.fleet,
    readAt: state.fleet === null ? null : isoTime(state.fleetReadAtMs),
    workers: state.workers,
    allowed: allowedWorkers(state).max,
    concurrency: state.spec.concurrency,
    heard: sample?.heard ?? 0,
    idle: sample?.idle ?? 0,
    pausing: sample?.pausing ?? 0,
    holding: sample?.holding ?? 0,
    asOf: sample === null ? null : isoTime(sample.asOfMs),
    isPaused: state.isPaused,
    coolingUntil: breaker.coolingUntilMs === null ? null : isoTime(breaker.coolingUntilMs),
    trouble: state.trouble,
  };
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
