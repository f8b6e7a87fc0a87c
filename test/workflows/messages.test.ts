import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledFailure } from '@temporalio/common';
import { pauseUpdate, resumeUpdate, scaleUpdate } from '../../workflows/messages.ts';
import {
  assertCompleted,
  minuteMs,
  nobody,
  openStage,
  running,
  tell,
  withoutRepeats,
} from './story.ts';
import type { Moment, Stage } from './story.ts';

/** Messages that come while the fleet is not as they would have it, on a server that skips time. */

let stage: Stage;
before(async () => {
  stage = await openStage();
});
after(() => stage.environment.teardown());

const reason = 'a node: 0/2 nodes are available: 2 Insufficient cpu';
const paused = 'paused: nothing new is downloaded until resume';
const wasAsked = ({ asked }: Moment, what: string) => asked.some(({ call }) => call === what);

describe('a run that waits for nodes', () => {
  it('is paused, says so, and goes on waiting when it is resumed', async () => {
    const told = await tell(stage, {
      fleet: ({ isSuspended }) => (isSuspended ? { kind: 'suspended' } : running(0, 1, reason)),
      sample: ({ ms }) => (ms < 30 * minuteMs ? nobody : { counts: { stored: 10 } }),
      meanwhile: async (run, now) => {
        if (now.ms > 10 * minuteMs && !wasAsked(now, 'suspend')) {
          await run.executeUpdate(pauseUpdate);
        } else if (now.ms > 20 * minuteMs && !wasAsked(now, 'resume')) {
          await run.executeUpdate(resumeUpdate);
        }
      },
    });
    assertCompleted(told);
    assert.deepEqual(withoutRepeats(told.asked), ['start 1', 'suspend', 'resume', 'stop']);
    const waiting = `waiting for ${reason}`;
    assert.deepEqual(told.sentences, [waiting, paused, waiting]);
  });
});

describe('a run whose downloaders could not be started yet', () => {
  it('can be paused and cancelled', async () => {
    const told = await tell(stage, {
      fault: (call) => (call === 'start' ? new Error('connect ECONNREFUSED') : undefined),
      fleet: () => ({ kind: 'absent' }),
      sample: () => nobody,
      meanwhile: async (run, now) => {
        if (now.ms > 5 * minuteMs && !wasAsked(now, 'suspend')) {
          await run.executeUpdate(pauseUpdate);
        } else if (now.ms > 10 * minuteMs) await run.cancel();
      },
    });
    assert.ok(told.ending.kind === 'failed');
    assert.ok(told.ending.error.cause instanceof CancelledFailure);
    assert.deepEqual(withoutRepeats(told.asked), ['suspend', 'stop']);
    assert.equal(told.sentences.at(-1), paused);
    assert.equal(told.calls.at(-1), 'writeReport');
  });

  it('is not cleaned up after before a start that is under way has ended', async () => {
    const starting = Promise.withResolvers<void>();
    const cancelled = Promise.withResolvers<void>();
    const stopping = Promise.withResolvers<void>();
    const told = await tell(stage, {
      fault: async (call) => {
        if (call === 'stop') stopping.resolve();
        if (call !== 'start') return;
        starting.resolve();
        await cancelled.promise;
        // The time in which a stop would come that does not wait.
        await Promise.race([stopping.promise, sleep(1_000)]);
      },
      fleet: () => ({ kind: 'absent' }),
      sample: () => nobody,
      meanwhile: async (run) => {
        await starting.promise;
        await run.cancel();
        cancelled.resolve();
      },
    });
    assert.equal(told.ending.kind, 'failed');
    assert.deepEqual(withoutRepeats(told.asked), ['start 1', 'stop']);
  });

  it('is scaled and paused once they are', async () => {
    let isSteered = false;
    const told = await tell(stage, {
      total: 100,
      fault: (call, { ms }) =>
        call === 'start' && ms < 2_000 ? new Error('connect ECONNREFUSED') : undefined,
      fleet: ({ isSuspended, workers }) =>
        isSuspended ? { kind: 'suspended' } : running(workers, workers),
      sample: ({ ms }) => (ms < 10 * minuteMs ? nobody : { counts: { stored: 100 } }),
      meanwhile: async (run) => {
        if (isSteered) return;
        isSteered = true;
        await run.executeUpdate(scaleUpdate, { args: [3] });
        await run.executeUpdate(pauseUpdate);
      },
    });
    assertCompleted(told);
    // The messages themselves found no Job.
    assert.deepEqual(withoutRepeats(told.asked), [
      'scale 3',
      'suspend',
      'start 1',
      'scale 3',
      'suspend',
      'stop',
    ]);
  });
});

describe('a run whose Job was deleted by a stranger', () => {
  it('starts another at once when it is resumed', async () => {
    let resumedAtMs = 0;
    let startedAtMs = 0;
    const told = await tell(stage, {
      fleet: ({ ms, starts }) => {
        if (starts === 2) return running(1, 1);
        return ms < 10 * minuteMs ? { kind: 'suspended' } : { kind: 'absent' };
      },
      sample: ({ starts }) => (starts === 2 ? { counts: { stored: 10 } } : nobody),
      meanwhile: async (run, now) => {
        if (!wasAsked(now, 'suspend')) await run.executeUpdate(pauseUpdate);
        else if (now.ms > 40 * minuteMs && resumedAtMs === 0) {
          resumedAtMs = now.ms;
          await run.executeUpdate(resumeUpdate);
          startedAtMs = now.asked.findLast(({ call }) => call === 'start')?.atMs ?? 0;
        }
      },
    });
    assertCompleted(told);
    assert.deepEqual(withoutRepeats(told.asked), [
      'start 1',
      'suspend',
      'resume',
      'start 1',
      'stop',
    ]);
    // Slices of two minutes are what it did not wait for.
    assert.ok(Math.abs(startedAtMs - resumedAtMs) < minuteMs, `${startedAtMs} – ${resumedAtMs}`);
  });

  it('starts another of the size that it was scaled to', async () => {
    let isScaled = false;
    const told = await tell(stage, {
      total: 100,
      fleet: ({ starts }) => (starts === 2 ? running(3, 3) : { kind: 'absent' }),
      sample: ({ starts }) => (starts === 2 ? { counts: { stored: 100 } } : nobody),
      meanwhile: async (run) => {
        if (isScaled) return;
        isScaled = true;
        await run.executeUpdate(scaleUpdate, { args: [3] });
      },
    });
    assertCompleted(told);
    assert.deepEqual(withoutRepeats(told.asked), ['start 1', 'scale 3', 'start 3', 'stop']);
  });
});

describe('a paused run', () => {
  it('is scaled and stays paused', async () => {
    const told = await tell(stage, {
      total: 100,
      fleet: ({ isSuspended, workers }) =>
        isSuspended ? { kind: 'suspended' } : running(workers, workers),
      sample: ({ ms, workers }) =>
        ms < 20 * minuteMs ? { heard: workers, holding: 4 } : { counts: { stored: 100 } },
      meanwhile: async (run, now) => {
        if (!wasAsked(now, 'suspend')) {
          await run.executeUpdate(pauseUpdate);
          const { phase, state } = await run.executeUpdate(scaleUpdate, { args: [3] });
          assert.equal(phase, 'paused');
          assert.equal(state, `${paused}; scaled to 3 downloaders`);
        } else if (now.ms > 10 * minuteMs && !wasAsked(now, 'resume')) {
          await run.executeUpdate(resumeUpdate);
        }
      },
    });
    assertCompleted(told);
    assert.deepEqual(withoutRepeats(told.asked), [
      'start 1',
      'suspend',
      'scale 3',
      'resume',
      'stop',
    ]);
  });
});
