import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { CancelledFailure, TerminatedFailure, WorkflowFailedError } from '@temporalio/client';
import { runFolder } from '../../domain/names.ts';
import type { RunResult } from '../../domain/progress.ts';
import type { RunSpecInput } from '../../domain/run-spec.ts';
import type { SweepResult } from '../../domain/sweep.ts';
import type { SweepSpecInput } from '../../domain/sweep-spec.ts';
import { taskQueue } from '../../infra/local/stack.ts';
import type { sweepRuns } from '../../workflows/index.ts';
import { pauseUpdate } from '../../workflows/messages.ts';
import { assertNoQueue, failureOf, hurry, startRun, untilSettled } from '../support/clip-run.ts';
import type { ClipRun } from '../support/clip-run.ts';
import { waitUntil } from '../support/run-stack.ts';
import { uniqueName } from '../support/unique-name.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';
import { hangUpload, holdCall } from './hold.ts';
import type { Held } from './hold.ts';

/** Each way to end a run, in each of its phases: the world is clean, the ledger whole, and starting again does the rest alone. */

let world: FaultStack;
before(async () => {
  world = await startFaultStack();
});
after(() => world.stop());

/** A run that stands still in a phase. */
type HeldRun = Omit<Held, 'reached'> & { readonly reached: (run: ClipRun) => Promise<unknown> };

type Phase = {
  readonly name: string;
  /** Makes the run of this workflow id stop there, before it is started. */
  readonly hold: (workflowId: string) => HeldRun;
  /** It has read its list: there is something to report. */
  readonly hasSnapshot: boolean;
  /** The run's own limit that passes in this phase, though two dozen runs share two cores; absent where it has no say any more. */
  readonly timeLimit?: string;
  /** Its items take so long, seconds. */
  readonly seconds: number;
};

const settled = (reached: HeldRun['reached']): HeldRun => ({ reached, release: () => {} });

const phases: readonly Phase[] = [
  {
    name: 'checks the destination',
    hold: (id) => hangUpload(world, new RegExp(`(!|%21)preflight-${id}`)),
    hasSnapshot: false,
    timeLimit: '30s',
    seconds: 0.01,
  },
  {
    name: 'writes the snapshot',
    hold: (id) => hangUpload(world, new RegExp(`${id}.*snapshot%2F`)),
    hasSnapshot: false,
    timeLimit: '30s',
    seconds: 0.01,
  },
  {
    name: 'creates the queue',
    hold: (id) => holdCall(world, id, { method: 'CreateTopic', of: 'outcomes' }),
    hasSnapshot: true,
    timeLimit: '30s',
    seconds: 0.01,
  },
  {
    name: 'publishes',
    hold: (id) => holdCall(world, id, { method: 'Publish', of: 'items' }),
    hasSnapshot: true,
    timeLimit: '30s',
    seconds: 0.01,
  },
  {
    name: 'waits for its first downloader',
    hold: (id) => holdCall(world, id, { method: 'Pull', of: 'items' }),
    hasSnapshot: true,
    timeLimit: '40s',
    seconds: 0.01,
  },
  {
    name: 'downloads',
    hold: () => settled((run) => untilSettled(run, 2)),
    hasSnapshot: true,
    timeLimit: '40s',
    seconds: 5,
  },
  {
    name: 'is paused',
    hold: () =>
      settled(async (run) => {
        await untilSettled(run, 2);
        await run.handle.executeUpdate(pauseUpdate);
      }),
    hasSnapshot: true,
    timeLimit: '45s',
    seconds: 2,
  },
  {
    name: 'deletes the queue',
    hold: (id) => holdCall(world, id, { method: 'DeleteTopic', of: 'outcomes' }),
    hasSnapshot: true,
    seconds: 0.01,
  },
];

const items = 40;

/** Ends a run in a phase, as `end` does, and looks at what is left. */
async function tryCell(
  phase: Phase,
  more: Partial<RunSpecInput>,
  end: (run: ClipRun, release: () => void) => Promise<void>,
): Promise<void> {
  const prefix = uniqueName('control');
  const { reached, release } = phase.hold(prefix);
  const list = { count: items, prefix, seconds: phase.seconds };
  const run = await startRun(world, 'control', list, { concurrency: 2, ...more });
  await reached(run);
  await end(run, release);
  release();
  await waitUntil(async () => (await world.downloaders(run.name)).length === 0);
  await assertNoQueue(world, run);
  await assertDoesTheRest(run);
}

/** A run of the same list does what is not in the bucket yet, and nothing else. */
async function assertDoesTheRest(run: ClipRun): Promise<void> {
  const { prefix, keys } = run;
  await hurry(world, run);
  const stored = await world.objects(prefix);
  const fetchedBefore = await world.fetched(keys);
  const again = await startRun(world, 'control', { keys, prefix }, { concurrency: 2 });
  const result: RunResult = await again.handle.result();
  assert.deepEqual(
    [result.total, result.skipped, result.stored],
    [items, stored.length, items - stored.length],
  );
  const fetched = await world.fetched(keys);
  assert.deepEqual(
    fetched.map((count, at) => count - (fetchedBefore[at] ?? 0)),
    keys.map((key) => (stored.includes(`${key}.mp4`) ? 0 : 1)),
  );
  await assertNoQueue(world, again);
}

/** What a run that could clean up after itself leaves: nothing, or a report that agrees with ledger and bucket to the last object. */
async function assertReported(run: ClipRun, { hasSnapshot }: Phase): Promise<void> {
  const folder = runFolder(run.name).root;
  if (!hasSnapshot) return assertNothing(run);
  const audit = await world.audit(`gs://spotloop-local/${folder}`);
  const stored = await world.objects(run.prefix);
  assert.deepEqual(
    [audit.problems, audit.objects, audit.otherObjects],
    [[], stored.length, 0],
    'an object is stored, and the ledger does not know',
  );
  assert.notEqual(audit.ending, null);
}

/** Neither shards nor probes. */
async function assertNothing(run: ClipRun): Promise<void> {
  await waitUntil(async () => (await filesOf(run)).length === 0);
  assert.deepEqual(await world.objects(run.prefix), []);
}

async function filesOf({ name }: ClipRun): Promise<string[]> {
  const folder = runFolder(name);
  return [
    ...(await world.objects(folder.snapshot)),
    ...(await world.objects('.spotloop')).filter((probe) => probe === `!preflight-${name}`),
  ];
}

async function causeOf({ handle }: ClipRun): Promise<unknown> {
  return handle.result().then(
    () => 'completed',
    (error: unknown) => {
      assert.ok(error instanceof WorkflowFailedError, String(error));
      return error.cause;
    },
  );
}

/** What runs left that ended a second ago. */
async function sweep(): Promise<SweepResult> {
  const input: SweepSpecInput = { closedFor: '1s' };
  return world.client.workflow.execute<typeof sweepRuns>('sweepRuns', {
    taskQueue,
    workflowId: uniqueName('sweep'),
    args: [input],
  });
}

/** Ten runs on two cores. */
const cells = { concurrency: 10, timeout: 170_000 };

describe('a run that is controlled', cells, () => {
  for (const phase of phases) {
    it(`is cancelled as it ${phase.name}`, () =>
      tryCell(phase, {}, async (run, release) => {
        await run.handle.cancel();
        if (phase.timeLimit === undefined) {
          // Its work is done: it ends as it would have.
          release();
          assert.equal(await causeOf(run), 'completed');
        } else {
          assert.ok((await causeOf(run)) instanceof CancelledFailure);
        }
        await assertReported(run, phase);
      }));

    const { timeLimit } = phase;
    if (timeLimit !== undefined) {
      it(`reaches its time limit as it ${phase.name}`, () =>
        tryCell(phase, { timeLimit }, async (run) => {
          assert.equal((await failureOf(run)).type, 'TimeLimitExceeded');
          await assertReported(run, phase);
        }));
    }

    it(`is terminated as it ${phase.name}, and swept`, () =>
      tryCell(phase, {}, async (run, release) => {
        await run.handle.terminate();
        release();
        assert.ok((await causeOf(run)) instanceof TerminatedFailure);
        // What was under way hears of it with its next heartbeat; the schedule comes again, too.
        await waitUntil(async () => {
          await sleep(1_000);
          await sweep();
          return !(await world.queueLeft()).some((queue) => queue.includes(run.name));
        });
        if (!phase.hasSnapshot) await assertNothing(run);
      }));
  }
});
