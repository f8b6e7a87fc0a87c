import type { V1ObjectMeta } from '@kubernetes/client-node';
import { runLabel, workflowAnnotation } from '../../../domain/labels.ts';
import type { FleetRun } from '../fleet.ts';

/** Whose these Jobs and pods are: each run once. */
export function ownersOf(owned: readonly { readonly metadata?: V1ObjectMeta }[]): FleetRun[] {
  const runs = new Map<string, FleetRun>();
  for (const { metadata } of owned) {
    const run = metadata?.labels?.[runLabel];
    if (run === undefined) continue;
    const before = runs.get(run);
    const createdAtMs = new Date(metadata?.creationTimestamp ?? Date.now()).getTime();
    runs.set(run, {
      run,
      workflowId: before?.workflowId ?? metadata?.annotations?.[workflowAnnotation] ?? null,
      createdAtMs: Math.max(before?.createdAtMs ?? 0, createdAtMs),
    });
  }
  return [...runs.values()];
}
