import { upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import { settledOf, noCounts } from '../domain/counts.ts';
import { describeRun } from '../domain/run-description.ts';
import { isUpsertDue, keywordOf } from '../domain/search-attributes.ts';
import type { SearchAttributeValues } from '../domain/search-attributes.ts';
import { isCooling, runFolderAddress } from './run-state.ts';
import type { RunState } from './run-state.ts';

/**
 * What Temporal's list of workflows shows of a run: memo and search attributes. The workflow must not set an attribute that its
 * namespace does not have, for then its task fails again and again: preflight says which there are, and runs that began
 * before it did have none.
 */
export function writeMemo(state: RunState): void {
  const { list, destination, task } = describeRun(state.spec);
  upsertMemo({ list, destination, task, runFolder: runFolderAddress(state) });
}

/** Writes the search attributes anew when they differ enough from what they are: each time is an event. */
export function writeSearchAttributes(state: RunState): void {
  if (state.searchAttributes.length === 0) return;
  const values = valuesOf(state);
  if (!isUpsertDue(state.searchAttributesWritten, values)) return;
  state.searchAttributesWritten = values;
  const known: readonly string[] = state.searchAttributes;
  upsertSearchAttributes(pairsOf(values).filter(({ key }) => known.includes(key.name)));
}

function valuesOf(state: RunState): SearchAttributeValues {
  const counts = state.sample?.counts ?? noCounts;
  const { bucket, prefix } = state.spec.destination;
  const isCoolingDown = state.phase === 'downloading' && isCooling(state);
  return {
    SpotloopState: isCoolingDown ? 'cooling-down' : state.phase,
    SpotloopTotal: state.snapshot?.total ?? null,
    SpotloopSettled: settledOf(counts),
    SpotloopFailed: counts.failed + counts.quarantined,
    SpotloopDestination: keywordOf(`gs://${bucket}/${prefix}`),
  };
}

function pairsOf(values: SearchAttributeValues): SearchAttributeUpdatePair[] {
  const total = values.SpotloopTotal;
  return [
    { key: { name: 'SpotloopState', type: 'KEYWORD' }, value: values.SpotloopState },
    ...(total === null
      ? []
      : [{ key: { name: 'SpotloopTotal', type: 'INT' }, value: total } as const]),
    { key: { name: 'SpotloopSettled', type: 'INT' }, value: values.SpotloopSettled },
    { key: { name: 'SpotloopFailed', type: 'INT' }, value: values.SpotloopFailed },
    { key: { name: 'SpotloopDestination', type: 'KEYWORD' }, value: values.SpotloopDestination },
  ];
}
