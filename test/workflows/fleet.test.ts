import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { progressQuery } from '../../workflows/messages.ts';
import { assertCompleted, hourMs, minuteMs, nobody, openStage, running, tell } from './story.ts';
import type { Stage, Told } from './story.ts';
import type { Slice } from './world.ts';

/** Fleets that come late, end early, and are not to be reached, on a server that skips the hours. */

let stage: Stage;
before(async () => {
  stage = await openStage();
});
after(() => stage.environment.teardown());

const awayMessage = 'list Jobs in namespace bulk: connect ECONNREFUSED';
const away = () => new Error(awayMessage);

function failureOf({ ending }: Told): ApplicationFailure {
  assert.ok(ending.kind === 'failed');
  const { cause } = ending.error;
  assert.ok(cause instanceof ApplicationFailure, String(cause));
  return cause;
}

describe('a run whose downloaders find no node', () => {
  it('waits with the reason, publishes nothing again, and does not blame those that come at last', async () => {
    const reason = 'a node: 0/2 nodes are available: 2 Insufficient cpu';
    const told = await tell(stage, {
      input: { workers: 2, idleExit: '10m' },
      fleet: ({ ms }) => (ms < hourMs ? running(0, 2, reason) : running(2, 2)),
      sample: ({ ms }) => {
        if (ms < hourMs) return nobody;
        // Their first beats: nothing in hand yet.
        if (ms < hourMs + 2 * minuteMs) return { heard: 2, idle: 2, holding: 0 };
        if (ms < hourMs + 10 * minuteMs) return { heard: 2, holding: 8 };
        return { counts: { stored: 10 } };
      },
    });
    assertCompleted(told);
    assert.deepEqual(told.asked, ['start 2', 'stop']);
    assert.ok(!told.calls.includes('reconcile'));
    assert.deepEqual(told.sentences, [`waiting for ${reason}`, 'downloading']);
  });
});

describe('a cluster that does not answer', () => {
  it('is waited for while outcomes are collected', async () => {
    const told = await tell(stage, {
      total: 100,
      fleet: ({ ms }) => (ms < hourMs ? { kind: 'unknown', message: awayMessage } : running(1, 1)),
      sample: ({ ms }) => ({ counts: { stored: Math.min(100, Math.floor(ms / minuteMs)) } }),
    });
    assertCompleted(told);
    assert.deepEqual(told.asked, ['start 1', 'stop']);
    assert.deepEqual(told.sentences, [
      `downloading; the cluster does not answer: ${awayMessage}`,
      'downloading',
    ]);
    assert.ok(told.progress.some(({ fleet }) => fleet?.kind === 'unknown'));
  });

  it('is asked to start downloaders until it does, and the run says why there are none', async () => {
    const told = await tell(stage, {
      fault: (call, { ms }) => (call === 'start' && ms < hourMs ? away() : undefined),
      fleet: ({ starts }) => (starts === 0 ? { kind: 'absent' } : running(1, 1)),
      sample: ({ starts }) => (starts === 0 ? nobody : { counts: { stored: 10 } }),
    });
    assertCompleted(told);
    assert.deepEqual(told.asked, ['start 1', 'stop']);
    const sentence = `waiting for downloaders; could not start 1 downloader: ${awayMessage}`;
    assert.ok(told.sentences.includes(sentence), told.sentences.join('\n'));
    const tries = told.calls.filter((name) => name === 'startFleet').length;
    assert.ok(tries > 50, `${tries} tries`);
    // Each look that finds none tries for a moment only: outcomes have their turn.
    const slices = told.calls.filter((name) => name === 'collectOutcomes').length;
    assert.ok(slices > 50, `${slices} slices`);
  });

  it('ends a run when its answer is definite', async () => {
    const forbidden = 'list Jobs in namespace bulk: forbidden (403) — apply k8s/rbac.yaml';
    const told = await tell(stage, {
      fleet: () => Promise.reject(ApplicationFailure.nonRetryable(forbidden, 'FleetFailed')),
      sample: () => nobody,
    });
    const { type, message } = failureOf(told);
    assert.deepEqual({ type, message }, { type: 'FleetFailed', message: forbidden });
  });

  it('is waited for in the clean-up, and the run says so', async () => {
    const said = Promise.withResolvers<string>();
    const told = await tell(stage, {
      fault: (call, { ms }) => (call === 'stop' && ms < 5 * hourMs ? away() : undefined),
      fleet: () => running(1, 1),
      sample: () => ({ counts: { stored: 10 } }),
      meanwhile: async (run) => {
        // Not to be waited for: the slice must end for the clean-up to come. Without the sentence the run's end rejects it.
        const look = async (): Promise<string> => {
          const { state } = await run.query(progressQuery);
          return state.startsWith('stopping the downloaders,') ? state : look();
        };
        look().then(said.resolve, said.reject);
      },
    });
    assertCompleted(told);
    assert.equal(
      await said.promise,
      `stopping the downloaders, not yet with success: ${awayMessage}`,
    );
    assert.deepEqual(told.asked, ['start 1', 'stop']);
  });
});

describe('a fleet that ended before the items did', () => {
  it('gets its next generation once, sized by what is left', async () => {
    const told = await tell(stage, {
      total: 100,
      input: { workers: { min: 1, max: 5 }, concurrency: 2 },
      fleet: ({ starts, ms }) =>
        starts < 2 && ms > 10 * minuteMs ? { kind: 'done' } : running(2, 2),
      sample: ({ ms, starts, asked }) => {
        if (starts < 2) {
          const counts = { stored: 97 };
          return ms < 10 * minuteMs ? { counts, heard: 2, holding: 3 } : { counts, ...nobody };
        }
        const startedAtMs = asked.findLast(({ call }) => call === 'start')?.atMs ?? 0;
        return ms - startedAtMs < 10 * minuteMs
          ? { counts: { stored: 97 }, heard: 2, holding: 3 }
          : { counts: { stored: 100 } };
      },
    });
    assertCompleted(told);
    assert.deepEqual(told.asked, ['start 5', 'start 2', 'stop']);
    assert.ok(!told.calls.includes('reconcile'));
  });

  it('gets none while its last outcomes still come in', async () => {
    const told = await tell(stage, {
      total: 100,
      fleet: ({ ms }) => (ms < minuteMs ? running(1, 1) : { kind: 'done' }),
      // One a second: at this age of the run a slice lasts three, so each brings some.
      sample: ({ ms }) => {
        const counts = { stored: Math.min(100, Math.floor(ms / 1_000)) };
        return ms < minuteMs ? { counts } : { counts, ...nobody };
      },
    });
    assertCompleted(told);
    assert.deepEqual(told.asked, ['start 1', 'stop']);
    const sentence = 'waiting for the last outcomes';
    assert.ok(told.sentences.includes(sentence), told.sentences.join('\n'));
  });

  it('has the rest published again when the next generation did not find it either', async () => {
    const told = await tell(stage, {
      fleet: ({ sinceAskedMs }) => (sinceAskedMs < minuteMs ? running(1, 1) : { kind: 'done' }),
      sample: () => ({ counts: { stored: 9 }, ...nobody }),
    });
    assert.equal(failureOf(told).type, 'Unaccounted');
    assert.deepEqual(told.asked, [...Array<string>(5).fill('start 1'), 'stop']);
    assert.equal(told.calls.filter((name) => name === 'reconcile').length, 3);
  });

  it('is not started twice because a slow cluster does not show it yet', async () => {
    const told = await tell(stage, {
      fault: (call, { ms }) => (call === 'start' && ms < 3_000 ? away() : undefined),
      fleet: ({ starts, sinceAskedMs }) =>
        starts === 0 || sinceAskedMs < 4_000 ? { kind: 'absent' } : running(1, 1),
      sample: ({ ms }) => (ms < minuteMs ? nobody : { counts: { stored: 10 } }),
    });
    assertCompleted(told);
    assert.deepEqual(told.asked, ['start 1', 'stop']);
  });
});

describe('a fleet that is larger than asked for', () => {
  it('is scaled down: the answer of a start may have been lost, and a message have come meanwhile', async () => {
    const told = await tell(stage, {
      input: { workers: 2 },
      fleet: ({ asked }) =>
        asked.some(({ call }) => call === 'scale') ? running(2, 2) : running(6, 6),
      sample: ({ ms }) =>
        ms < 5 * minuteMs ? { heard: 2, holding: 8 } : { counts: { stored: 10 } },
    });
    assertCompleted(told);
    assert.deepEqual(told.asked, ['start 2', 'scale 2', 'stop']);
  });
});

describe('a fleet that shrank', () => {
  /** Of five downloaders with four slots three ended idle. Then so many items are left, and beats say this of them. */
  const shrunk = (left: number, slice: Slice) =>
    tell(stage, {
      total: 100,
      input: { workers: { min: 1, max: 5 } },
      fleet: ({ ms, asked, workers }) => {
        const wanted =
          asked.some(({ call }) => call === 'scale') || ms < 10 * minuteMs ? workers : 2;
        return running(wanted, wanted);
      },
      sample: ({ ms, asked, workers }) => {
        if (ms < 10 * minuteMs) return { heard: 5, holding: 20 };
        const counts = { stored: ms < hourMs ? 100 - left : 100 };
        return asked.some(({ call }) => call === 'scale')
          ? { counts, heard: workers, holding: left }
          : { counts, heard: 2, holding: 8, ...slice };
      },
    });

  it('grows by what waits, once', async () => {
    const told = await shrunk(16, {});
    assertCompleted(told);
    assert.deepEqual(told.asked, ['start 5', 'scale 4', 'stop']);
  });

  for (const { name, left, slice } of [
    { name: 'the last items are in hand', left: 8, slice: {} },
    { name: 'somebody idles', left: 16, slice: { idle: 1, holding: 4 } },
    { name: 'the site asks for patience', left: 16, slice: { throttled: 3 } },
    { name: 'some that were asked for have not come', left: 16, slice: { heard: 1, holding: 4 } },
  ]) {
    it(`stays small while ${name}`, async () => {
      const told = await shrunk(left, slice);
      assertCompleted(told);
      assert.deepEqual(told.asked, ['start 5', 'stop']);
    });
  }
});
