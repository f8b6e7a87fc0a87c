import { equal, ok } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRunSpec } from '../../domain/run-spec.ts';
import { planLanes } from '../../workflows/publish.ts';
import type { RunState } from '../../workflows/run-state.ts';

function lanesOf(published: number, rateLimit?: number): number {
  const input = { items: 'gs://b/list', destination: 'gs://bucket/v/' };
  const parsed = parseRunSpec(rateLimit === undefined ? input : { ...input, rateLimit });
  ok(parsed.kind === 'valid');
  // Of a run's state its rate is all that counts here.
  const state = { rateLimit: parsed.spec.rateLimit ?? null } as RunState;
  return planLanes(state, { total: published, published, duplicates: 0, blankLines: 0 }).length;
}

describe('planLanes', () => {
  it('never plans more activities for a longer list', () => {
    equal(lanesOf(1), 1);
    equal(lanesOf(1_000_000), 4);
    equal(lanesOf(100_000_000), 4);
  });

  it('keeps a rate by one lane', () => {
    equal(lanesOf(1_000_000, 60), 1);
  });
});
