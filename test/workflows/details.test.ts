import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FleetState } from '../../domain/fleet-state.ts';
import type { Phase, Progress } from '../../domain/progress.ts';
import { renderDetails } from '../../workflows/details.ts';

function rowOf(fleet: FleetState | null, phase: Phase = 'downloading'): string | undefined {
  const progress: Progress = {
    phase,
    state: 'downloading',
    total: 10,
    settled: 0,
    stored: 0,
    skipped: 0,
    failed: 0,
    quarantined: 0,
    unsettled: 10,
    storedBytes: 0,
    itemsPerMinute: null,
    secondsLeft: null,
    rateLimit: null,
    fleet,
    until: null,
    asOf: null,
    runFolder: 'gs://b-1/.spotloop/r/',
  };
  return /^\| Downloaders \| (.*) \|$/m.exec(renderDetails(progress))?.[1];
}

describe('the details of a run', () => {
  const running = { kind: 'running', live: 2, wanted: 3, replaced: 0, preempted: 0 } as const;

  it('say of each state of a fleet what it means', () => {
    assert.equal(rowOf(null), '–');
    assert.equal(rowOf({ kind: 'absent' }), 'none');
    assert.equal(rowOf(running), '2 of 3');
    assert.equal(rowOf({ kind: 'done' }), 'all ended idle');
    assert.equal(rowOf({ kind: 'suspended' }, 'paused'), 'paused');
    // A stranger did it, and the next look goes on.
    assert.equal(rowOf({ kind: 'suspended' }), 'suspended');
    assert.equal(rowOf({ kind: 'unknown', message: 'no route' }), 'not known: no route');
    assert.equal(rowOf({ kind: 'failed', message: 'no such "x"' }), 'failed: no such "x"');
  });

  it('count what was replaced, and name what is waited for', () => {
    assert.equal(
      rowOf({ ...running, replaced: 1_200, preempted: 7, waitingFor: 'a node: 0/2 are available' }),
      '2 of 3, 1,200 replaced (7 preempted) — waiting for a node: 0/2 are available',
    );
  });

  it('keep a reason of many lines and bars within its cell', () => {
    const row = rowOf({ ...running, waitingFor: `a node:\n| taint |\n${'x'.repeat(1_000)}` });
    assert.match(row ?? '', /^2 of 3 — waiting for a node: \\\| taint \\\| x+…$/);
  });
});
