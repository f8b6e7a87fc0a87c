import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Context } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { noCounts } from '../../domain/counts.ts';
import { scaleUpdate } from '../../workflows/messages.ts';
import { startDevServer } from './dev-server.ts';
import { runCase } from './run-case.ts';
import { createWorld } from './world.ts';
import type { Script } from './world.ts';

/** A history that has grown. */
const suggestAfterEvents = 60;

let environment: TestWorkflowEnvironment;
let bundle: WorkflowBundleWithSourceMap;

before(async () => {
  ({ environment, bundle } = await startDevServer(suggestAfterEvents));
});

after(() => environment.teardown());

describe('a run whose history has grown', () => {
  it('goes on in new executions with its counts, and publishes nothing again', async () => {
    const total = 40;
    const run = await runCase(environment, bundle, {
      name: 'long',
      script: {
        total,
        slices: Array.from({ length: total + 1 }, (_, stored) => ({ counts: { stored } })),
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.ok(run.ending.kind === 'completed');
    assert.equal(run.ending.result.stored, total);
    const events = run.history.events?.length ?? 0;
    assert.ok(events < 2 * suggestAfterEvents, `the last execution has ${events} events`);
    const executions = run.history.events?.[0]?.workflowExecutionStartedEventAttributes;
    assert.ok(executions?.continuedExecutionRunId, 'it was continued');
    for (const once of ['preflight', 'snapshotList', 'createQueue', 'publishItems', 'startFleet']) {
      assert.equal(run.calls.filter((name) => name === once).length, 1, once);
    }
    // The run folder is named after the chain's first execution, not the last.
    const firstRunId = executions.firstExecutionRunId ?? '';
    assert.match(
      run.ending.result.runFolder,
      new RegExp(`-${firstRunId.replaceAll('-', '').slice(-12)}/$`),
    );
  });

  it('keeps its name, with the time of the schedule that started it', async () => {
    const total = 40;
    const script: Script = {
      total,
      slices: Array.from({ length: total + 1 }, (_, stored) => ({ counts: { stored } })),
    };
    const { activities } = createWorld(script);
    const names = new Map<string, string | undefined>();
    const run = await runCase(environment, bundle, {
      name: 'long-and-scheduled',
      workflowId: 'every-video-of-the-channel-2026-11-25T07:00:00Z',
      script: {
        ...script,
        activities: {
          collectOutcomes: (input) => {
            names.set(Context.current().info.workflowExecution?.runId ?? '', input.run.name);
            return activities.collectOutcomes(input);
          },
        },
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.ok(run.ending.kind === 'completed');
    assert.ok(names.size > 1, 'it was continued');
    assert.equal(new Set(names.values()).size, 1);
    assert.match(
      [...names.values()][0] ?? '',
      /^every-video-of-2026-11-25t07-00-00z-[0-9a-f]{12}$/,
    );
  });

  it('keeps the number that it was scaled to', async () => {
    const total = 40;
    const script: Script = {
      total,
      slices: Array.from({ length: total + 1 }, (_, stored) => ({ counts: { stored } })),
    };
    const { activities } = createWorld(script);
    const scaled = Promise.withResolvers<void>();
    const executions: string[] = [];
    const started: number[] = [];
    await runCase(environment, bundle, {
      name: 'long-and-scaled',
      script: {
        ...script,
        activities: {
          collectOutcomes: async (input) => {
            await scaled.promise;
            return activities.collectOutcomes(input);
          },
          startFleet: ({ workers }) => {
            started.push(workers);
            return Promise.resolve();
          },
          // Somebody deletes it when the run goes on in its second execution.
          readFleet: (input) => {
            const { runId = '' } = Context.current().info.workflowExecution ?? {};
            if (!executions.includes(runId)) executions.push(runId);
            return executions.length === 2 && started.length === 1
              ? Promise.resolve({ kind: 'absent' })
              : activities.readFleet(input);
          },
        },
      },
      meanwhile: async (run) => {
        await run.executeUpdate(scaleUpdate, { args: [3] });
        scaled.resolve();
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.deepEqual(started, [1, 3]);
  });

  it('answers every message, also those that come between two executions', async () => {
    const { activities } = createWorld({});
    const executions = new Set<string | undefined>();
    const asked: number[] = [];
    const wanted: number[] = [];
    const run = await runCase(environment, bundle, {
      name: 'long-and-steered',
      script: {
        activities: {
          scaleFleet: (input) => {
            asked.push(input.workers);
            executions.add(Context.current().info.workflowExecution?.runId);
            return activities.scaleFleet(input);
          },
          // Nothing is settled before it went on twice.
          collectOutcomes: async (input) => {
            const sample = await activities.collectOutcomes(input);
            return executions.size < 3 ? { ...sample, counts: noCounts } : sample;
          },
        },
      },
      meanwhile: async (handle) => {
        while (executions.size < 3) {
          wanted.push(wanted.length + 1);
          const { phase } = await handle.executeUpdate(scaleUpdate, { args: [wanted.length] });
          assert.equal(phase, 'downloading');
        }
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.ok(run.ending.kind === 'completed');
    // A message that crosses the start of the fleet is carried out once more after it.
    assert.deepEqual([...new Set(asked)], wanted);
  });

  it('keeps what it knows of its site', async () => {
    const total = 40;
    const started: number[] = [];
    const executions: string[] = [];
    const script: Script = {
      total,
      // After the second of these it has one downloader, and it keeps it, for things get through.
      sampleEveryMs: 65_000,
      slices: Array.from({ length: total + 1 }, (_, stored) => ({
        counts: { stored },
        pausing: 1,
      })),
    };
    const { activities } = createWorld(script);
    await runCase(environment, bundle, {
      name: 'long-and-throttled',
      input: { workers: 3 },
      script: {
        ...script,
        activities: {
          startFleet: ({ workers }) => {
            started.push(workers);
            return Promise.resolve();
          },
          // Somebody deletes it when the run goes on in its second execution.
          readFleet: (input) => {
            const { runId = '' } = Context.current().info.workflowExecution ?? {};
            if (!executions.includes(runId)) executions.push(runId);
            return executions.length === 2 && started.length === 1
              ? Promise.resolve({ kind: 'absent' })
              : activities.readFleet(input);
          },
        },
      },
      expected: { kind: 'completed' },
      calls: [],
    });
    assert.deepEqual(started, [3, 1]);
  });
});
