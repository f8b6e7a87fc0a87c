import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { PublishItemsInput } from '../../activities/publish-items.ts';
import type { downloadRun } from '../../workflows/index.ts';
import {
  errorsQuery,
  fleetQuery,
  pauseUpdate,
  progressQuery,
  setRateLimitUpdate,
} from '../../workflows/messages.ts';
import { startDevServer } from './dev-server.ts';
import { refusalOf } from './refusal-of.ts';
import { runCase, until } from './run-case.ts';
import { createWorld, inRealTime, untilCancelled } from './world.ts';
import type { Script } from './world.ts';

/** A run's rate that is changed while it publishes, and what it answers to queries. */

/** A history that has grown. */
const suggestAfterEvents = 60;

let environment: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;
before(async () => {
  ({ environment, bundle } = await startDevServer(suggestAfterEvents));
});
after(() => environment.teardown());

type Asked = Pick<PublishItemsInput, 'lane' | 'lanes' | 'from'> & { readonly rate?: number };

/**
 * Publishes `each` items of its lane until it is cancelled, and the rest of it when `isLast` says so; everything is stored once
 * all of it went out.
 */
function publishing(total: number, each: number, isLast: (input: PublishItemsInput) => boolean) {
  const asked: Asked[] = [];
  const done = new Set<number>();
  const { activities } = createWorld({ total, pace: inRealTime });
  const script: Script = {
    total,
    activities: {
      publishItems: async (input) => {
        const { lane, lanes, from, pace } = input;
        asked.push({
          lane,
          lanes,
          from,
          ...(pace === undefined ? {} : { rate: pace.itemsPerMinute }),
        });
        const dueAtMs = pace === undefined ? {} : { dueAtMs: Date.now() };
        if (!isLast(input)) {
          await untilCancelled().catch(() => {});
          return { next: from + each, isDone: false, ...dueAtMs };
        }
        done.add(lane);
        return { next: total / lanes, isDone: true, ...dueAtMs };
      },
      collectOutcomes: async (input) => {
        const sample = await activities.collectOutcomes(input);
        const lanes = asked[0]?.lanes ?? 1;
        return { ...sample, counts: { ...sample.counts, stored: done.size === lanes ? total : 3 } };
      },
    },
  };
  return { script, asked };
}

const setRate = (run: WorkflowHandle<typeof downloadRun>, ...args: [number | null]) =>
  run.executeUpdate(setRateLimitUpdate, { args });

describe('a run whose rate is changed', () => {
  it('ends its slice at once and goes on where it was, at the new rate or without one', async () => {
    const { script, asked } = publishing(10, 3, ({ pace }) => pace === undefined);
    const { ending } = await runCase(environment, bundle, {
      name: 'changes-of-rate',
      input: { rateLimit: 600 },
      script,
      when: 'publishItems',
      meanwhile: async (run) => {
        const lowered = await setRate(run, 60);
        assert.equal(lowered.rateLimit, 60);
        assert.match(lowered.state, /^the rate limit is 60 items a minute/);
        await until(() => asked.length === 2);
        const { rateLimit, state } = await setRate(run, null);
        assert.deepEqual([rateLimit, state], [null, 'the rate limit is removed']);
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.equal(ending.kind, 'completed');
    assert.deepEqual(asked, [
      { lane: 0, lanes: 1, from: 0, rate: 600 },
      { lane: 0, lanes: 1, from: 3, rate: 60 },
      { lane: 0, lanes: 1, from: 6 },
    ]);
  });

  it('goes through its lanes one after the other once it has one', async () => {
    const { script, asked } = publishing(200_000, 100, ({ pace }) => pace !== undefined);
    const { ending } = await runCase(environment, bundle, {
      name: 'rate-from-now-on',
      script,
      when: 'publishItems',
      meanwhile: async (run) => {
        await until(() => asked.length === 4);
        await setRate(run, 1_000_000);
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.equal(ending.kind, 'completed');
    const lanes = [0, 1, 2, 3];
    const first = asked.splice(0, 4).toSorted((a, b) => a.lane - b.lane);
    assert.deepEqual(
      [...first, ...asked],
      [
        ...lanes.map((lane) => ({ lane, lanes: 4, from: 0 })),
        ...lanes.map((lane) => ({ lane, lanes: 4, from: 100, rate: 1_000_000 })),
      ],
    );
  });

  it('refuses what is no rate, what it has, and what comes too late', async () => {
    let isEnding = false;
    let late = '';
    const { script, asked } = publishing(10, 3, () => isEnding);
    const { activities } = createWorld({});
    await runCase(environment, bundle, {
      name: 'rates-refused',
      input: { rateLimit: 600 },
      script: {
        ...script,
        activities: {
          ...script.activities,
          // All is published, and not all is stored.
          collectOutcomes: async (input) => {
            const sample = await activities.collectOutcomes(input);
            await inRealTime(input.until === 'slice-ends' ? input.sliceMs : 0);
            return {
              ...sample,
              counts: { ...sample.counts, stored: isEnding && late === '' ? 9 : 10 },
            };
          },
        },
      },
      when: 'publishItems',
      meanwhile: async (run) => {
        const no =
          'setRateLimit takes items a minute, 0.01 to 10,000,000, or null to remove the limit';
        for (const value of [0, -1, 1e8, '60', undefined, {}]) {
          assert.equal(await refusalOf(setRate(run, value as number)), no, JSON.stringify(value));
        }
        assert.equal(
          await refusalOf(setRate(run, 600)),
          'the rate limit is 600 items a minute already',
        );
        isEnding = true;
        await setRate(run, null);
        await until(() => asked.length === 2);
        assert.equal(await refusalOf(setRate(run, null)), 'the run has no rate limit');
        late = await refusalOf(setRate(run, 60));
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.equal(
      late,
      'every item is published already, and a rate is kept by publishing — use scale or pause to slow the run down',
    );
  });

  it('keeps it when it goes on as new, where the same again is refused', async () => {
    const executions = new Set<string | undefined>();
    const refusals: string[] = [];
    const { script } = publishing(10, 1, () => refusals.length > 0);
    await runCase(environment, bundle, {
      name: 'rate-kept',
      input: { rateLimit: 600 },
      script: {
        ...script,
        activities: {
          ...script.activities,
          readFleet: (input) => {
            executions.add(Context.current().info.workflowExecution?.runId);
            return createWorld({}).activities.readFleet(input);
          },
        },
      },
      when: 'publishItems',
      meanwhile: async (run) => {
        for (let rate = 601; executions.size < 2; rate += 1) {
          assert.equal((await setRate(run, rate)).rateLimit, rate);
          refusals.splice(0, 1, await refusalOf(setRate(run, rate)));
          assert.equal(refusals[0], `the rate limit is ${rate} items a minute already`);
          refusals.pop();
        }
        refusals.push('enough');
        await setRate(run, null);
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.ok(executions.size >= 2);
  });
});

describe('a run that is asked', () => {
  it('tells its errors and its fleet, and both over a continue-as-new', async () => {
    const error = {
      message: '[site] {key}: gone',
      reason: 'permanent',
      count: 2,
      examples: ['a', 'b'],
    } as const;
    const errors = { errors: [error], others: 1 };
    const executions = new Set<string | undefined>();
    const known: (number | undefined)[] = [];
    const { activities } = createWorld({ total: 40 });
    await runCase(environment, bundle, {
      name: 'asked',
      input: { workers: { min: 1, max: 7 }, concurrency: 3 },
      script: {
        total: 40,
        activities: {
          collectOutcomes: async (input) => {
            executions.add(Context.current().info.workflowExecution?.runId);
            known.push(input.errorsKnown);
            const sample = await activities.collectOutcomes(input);
            const counts = { ...sample.counts, failed: 3, stored: executions.size > 2 ? 37 : 0 };
            const first = { ...sample, counts, heard: 4, idle: 1, holding: 9 };
            return known.length === 1 ? { ...first, errors } : first;
          },
        },
      },
      meanwhile: async (run) => {
        await until(async () => (await run.query(progressQuery)).failed === 3);
        await run.executeUpdate(pauseUpdate);
        await until(() => executions.size === 2);
        const { asOf, ...told } = await run.query(errorsQuery);
        assert.deepEqual(told, errors);
        assert.ok(Date.parse(asOf ?? '') > 0);
        const fleet = await run.query(fleetQuery);
        assert.deepEqual(
          { ...fleet, asOf: null, readAt: null, fleet: null },
          {
            fleet: null,
            readAt: null,
            workers: { min: 1, max: 7 },
            allowed: 7,
            concurrency: 3,
            heard: 4,
            idle: 1,
            pausing: 0,
            holding: 9,
            asOf: null,
            isPaused: true,
            coolingUntil: null,
            trouble: null,
          },
        );
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.deepEqual(known.slice(0, 3), [0, 3, 3]);
    assert.equal(new Set(known.slice(1)).size, 1);
  });
});
