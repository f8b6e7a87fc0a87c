import { planAssignment } from '../../domain/assignment.ts';
import type { RunRef } from '../../domain/names.ts';
import type { RunSpec } from '../../domain/run-spec.ts';
import type { FleetPlan } from './fleet.ts';

/** What a run asks of its fleet, for so many downloaders. */
export function planFleet(run: RunRef, spec: RunSpec, workers: number): FleetPlan {
  return {
    run: run.name,
    workflowId: run.workflowId,
    assignment: planAssignment(run, spec),
    workers,
    placement: spec.placement,
    pod: spec.pod,
    timeLimitMs: spec.timeLimitMs,
  };
}
