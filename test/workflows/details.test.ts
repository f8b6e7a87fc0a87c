import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FleetState } from '../../domain/fleet-state.ts';
import type { Phase, Progress } from '../../domain/progress.ts';
import { noErrors } from '../../domain/run-errors.ts';
import type { DetailsSurroundings } from '../../workflows/details.ts';
import { renderDetails } from '../../workflows/details.ts';

const surroundings: DetailsSurroundings = {
  description: { list: 'gs://b-1/list', destination: 'gs://b-1/v/', task: 'yt-dlp' },
  errors: noErrors,
  patience: null,
  holding: 0,
};

function progressWith(more: Partial<Progress>): Progress {
  return {
    phase: 'downloading',
    state: 'downloading',
    total: 10,
    settled: 0,
    stored: 0,
    skipped: 0,
    failed: 0,
    quarantined: 0,
    gone: 0,
    unsettled: 10,
    storedBytes: 0,
    itemsPerMinute: null,
    secondsLeft: null,
    rateLimit: null,
    fleet: null,
    until: null,
    asOf: null,
    runFolder: 'gs://b-1/.spotloop/r/',
    ...more,
  };
}

function textOf(more: Partial<Progress>, around: Partial<DetailsSurroundings> = {}): string {
  return renderDetails(progressWith(more), { ...surroundings, ...around });
}

function rowOf(fleet: FleetState | null, phase: Phase = 'downloading'): string | undefined {
  return /^\| Downloaders \| (.*) \|$/m.exec(textOf({ fleet, phase }))?.[1];
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

  it('have a bar that is full at the end only, and none before the list is read', () => {
    const barOf = (settled: number, total: number | null) =>
      /^([█░]+) (.*)$/m.exec(textOf({ settled, total }))?.slice(1);
    const bar = (full: number) => '█'.repeat(full) + '░'.repeat(25 - full);
    assert.deepEqual(barOf(0, 1_000), [bar(0), '0 % (0 of 1,000)']);
    assert.deepEqual(barOf(1, 1_000), [bar(1), '0 % (1 of 1,000)']);
    assert.deepEqual(barOf(500, 1_000), [bar(12), '50 % (500 of 1,000)']);
    assert.deepEqual(barOf(999, 1_000), [bar(24), '99 % (999 of 1,000)']);
    assert.deepEqual(barOf(1_000, 1_000), [bar(25), '100 % (1,000 of 1,000)']);
    assert.equal(barOf(0, null), undefined);
    assert.equal(barOf(0, 0), undefined);
  });

  it('say the rate and its limit, patience, and what goes where', () => {
    const patience = 'slowed down to 2 downloaders until 14:05 UTC: the site asked for patience';
    const text = textOf({ itemsPerMinute: 1_234.4, rateLimit: 1_500 }, { patience, holding: 7 });
    for (const line of [
      '| Rate | 1,234 items/min (limit 1500) |',
      `| Patience | ${patience} |`,
      '| Items in hand | 7 |',
      '`gs://b-1/list` → `gs://b-1/v/` (yt-dlp)',
    ]) {
      assert.ok(text.split('\n').includes(line), text);
    }
    assert.ok(!textOf({}).includes('Patience'));
  });

  it('tell the most frequent errors, and keep what sites say within their cells', () => {
    const errors = Array.from({ length: 7 }, (_, at) => ({
      message: at === 0 ? '<b>|`x`' : `error ${at}`,
      reason: 'permanent' as const,
      count: 7_000 - at,
      examples: at === 0 ? ['a|b', 'c'] : [],
    }));
    const lines = textOf({}, { errors: { errors, others: 3 } }).split('\n');
    const at = lines.indexOf('| Items | Error | | For example |');
    assert.equal(lines[at + 2], "| 7,000 | `<b>\\|'x'` | permanent | `a\\|b` `c` |");
    assert.equal(lines[at + 6], '| 6,996 | `error 4` | permanent |  |');
    assert.equal(lines[at + 7], '| 13,992 | others | | |');
    assert.ok(!textOf({}).includes('Error'));
  });
});
