import { deepEqual } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeLeftover } from '../../domain/sweep.ts';
import { parseSweepSpec } from '../../domain/sweep-spec.ts';

const hourMs = 3_600_000;
const nowMs = 100 * hourMs;
const patience = { closedForMs: hourMs, unknownForMs: 24 * hourMs };
const remove = { kind: 'remove' };
const leave = (reason: string) => ({ kind: 'leave', reason });

describe('judgeLeftover', () => {
  it('leaves what a run needs that goes on, however old', () => {
    deepEqual(judgeLeftover({ kind: 'open' }, 0, patience, nowMs), leave('open'));
  });

  it('gives a run that ended its hour', () => {
    const closed = (atMs: number) => judgeLeftover({ kind: 'closed', atMs }, 0, patience, nowMs);
    deepEqual(closed(nowMs - hourMs), remove);
    deepEqual(closed(nowMs - hourMs + 1), leave('closed-lately'));
  });

  it('believes that a run is unknown when it has been forgotten by its age', () => {
    const unknown = (createdAtMs: number | null) =>
      judgeLeftover({ kind: 'unknown' }, createdAtMs, patience, nowMs);
    deepEqual(unknown(nowMs - 24 * hourMs), remove);
    deepEqual(unknown(nowMs - 24 * hourMs + 1), leave('unknown-lately'));
    deepEqual(unknown(null), leave('unmarked'));
  });
});

describe('parseSweepSpec', () => {
  it('takes nothing for the defaults', () => {
    for (const input of [undefined, null, {}]) {
      deepEqual(parseSweepSpec(input), {
        kind: 'valid',
        spec: { closedForMs: hourMs, unknownForMs: undefined },
      });
    }
    deepEqual(parseSweepSpec({ closedFor: '90s', unknownFor: '3d' }), {
      kind: 'valid',
      spec: { closedForMs: 90_000, unknownForMs: 72 * hourMs },
    });
  });

  it('says all that is wrong at once', () => {
    deepEqual(parseSweepSpec({ closedFr: '1h', unknownFor: 3, closedFor: 'soon' }), {
      kind: 'invalid',
      problems: [
        '"closedFor" is not a duration — write it like "90s", "10m" or "2h"',
        '"unknownFor": invalid input: expected string, received number',
        'unknown field "closedFr" — did you mean "closedFor"?',
      ],
    });
    for (const input of ['1h', 3, ['1h']]) {
      deepEqual(parseSweepSpec(input), {
        kind: 'invalid',
        problems: [
          'the input is not an object — leave it out, or write it like {"closedFor": "1h"}',
        ],
      });
    }
  });
});
