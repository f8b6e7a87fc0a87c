import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Activities } from '../../activities/index.ts';
import { pauseUpdate, resumeUpdate, scaleUpdate } from '../../workflows/messages.ts';
import { assertDone, startRun, untilSettled } from '../support/clip-run.ts';
import type { ClipRun } from '../support/clip-run.ts';
import { uniqueName } from '../support/unique-name.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';
import { hangUpload, holdCall } from './hold.ts';
import type { Held } from './hold.ts';
import { restartableServersOf } from './restartable-servers.ts';
import type { RestartableServers } from './restartable-servers.ts';

/** The Temporal worker is killed in the middle of each of its steps; the Temporal server is away. */

let world: FaultStack;
let servers: RestartableServers;
before(async () => {
  world = await startFaultStack();
  servers = restartableServersOf(world);
});
after(async () => {
  await servers.stop();
  await world.stop();
});

/** As long as the issue of faults asks for. */
const awayMs = 30_000;

/** Calls that a run is stopped in, by its workflow id. */
const calls: Readonly<Record<string, (workflowId: string) => Held>> = {
  'checks the destination': (id) => hangUpload(world, new RegExp(`(!|%21)preflight-${id}`)),
  'writes the snapshot': (id) => hangUpload(world, new RegExp(`${id}.*snapshot%2F.*new%2F`)),
  'creates the queue': (id) => holdCall(world, id, { method: 'CreateTopic', of: 'outcomes' }),
  publishes: (id) => holdCall(world, id, { method: 'Publish', of: 'items' }),
  collects: (id) => holdCall(world, id, { method: 'Pull', of: 'outcomes' }),
  'writes the ledger': (id) => hangUpload(world, new RegExp(`${id}.*ledger%2Fpart`)),
  'acks what it collected': (id) => holdCall(world, id, { method: 'Acknowledge', of: 'outcomes' }),
  'deletes the queue': (id) => holdCall(world, id, { method: 'DeleteTopic', of: 'outcomes' }),
  'writes the report': (id) => hangUpload(world, new RegExp(`${id}.*report\\.json`)),
};

describe('a run whose Temporal worker dies', { concurrency: true, timeout: 200_000 }, () => {
  const runs = new Map<string, ClipRun>();

  before(async () => {
    const held = await Promise.all(
      Object.entries(calls).map(async ([step, hold]) => {
        const prefix = uniqueName('worker');
        const { reached, release } = hold(prefix);
        runs.set(step, await startRun(world, 'worker', { count: 8, prefix }));
        await reached();
        return release;
      }),
    );
    await world.killTemporalWorker();
    for (const release of held) release();
  });

  for (const step of Object.keys(calls)) {
    it(`goes on where it stood as it ${step}`, async () => {
      await assertDone(world, runs.get(step)!);
    });
  }
});

type Step = {
  /** Brings a run there; without it, it gets there by itself. */
  readonly reach?: (run: ClipRun) => Promise<unknown>;
  readonly afterwards?: (run: ClipRun) => Promise<unknown>;
};

const pause = async (run: ClipRun): Promise<void> => {
  await untilSettled(run, 1);
  await run.handle.executeUpdate(pauseUpdate);
};
const resume = (run: ClipRun): Promise<unknown> => run.handle.executeUpdate(resumeUpdate);

/** The sweep's belongs to no run. */
type StepName = Exclude<keyof Activities, 'deleteLeftovers'>;

/** Every activity of a run: one that is added must be here as well. */
const steps: Readonly<Record<StepName, Step>> = {
  preflight: {},
  snapshotList: {},
  createQueue: {},
  publishItems: {},
  startFleet: {},
  readFleet: {},
  scaleFleet: {
    reach: async (run) => {
      await untilSettled(run, 1);
      await run.handle.executeUpdate(scaleUpdate, { args: [2] });
    },
  },
  suspendFleet: { reach: pause, afterwards: resume },
  resumeFleet: {
    reach: async (run) => {
      await pause(run);
      await resume(run);
    },
  },
  collectOutcomes: {},
  // A lost queue is made again, and what has no outcome published.
  reconcile: {
    reach: async (run) => {
      await untilSettled(run, 1);
      await world.deleteQueue(run.name);
      // A pull that waits does not see it.
      const restore = await world.queueProxy.cut();
      await restore();
    },
  },
  stopFleet: {},
  deleteQueue: {},
  writeReport: {},
  notify: {},
};

/** Where they tell of their end. */
async function makeTopic(): Promise<string> {
  const topic = 'projects/spotloop-local/topics/ends';
  const answer = await fetch(`http://${world.stack.pubsub.host}/v1/${topic}`, { method: 'PUT' });
  assert.ok(answer.ok, await answer.text());
  return topic;
}

describe('runs whose Temporal worker dies', { concurrency: 1, timeout: 290_000 }, () => {
  it('go on where they stood, each with another step just done and not yet told', async () => {
    const names = Object.keys(steps) as StepName[];
    const held = names.map((step, n) => {
      // Which activity an answer is of stands in its task's token.
      const body = new RegExp(`(?=[^]*step-${n}-)(?=[^]*${step})`);
      return world.temporalProxy.inject({ method: 'RespondActivityTaskCompleted', body }, 'hold');
    });
    const notify = await makeTopic();
    const runs = await Promise.all(
      names.map((_, n) => startRun(world, `step-${n}`, { count: 16, seconds: 4 }, { notify })),
    );
    const reaching = names.map(async (step, n) => steps[step].reach?.(runs[n]!));
    await Promise.all(held.map(({ reached }) => reached));
    await world.killTemporalWorker();
    for (const { end } of held) end();
    await Promise.all(reaching);
    await Promise.all(names.map(async (step, n) => steps[step].afterwards?.(runs[n]!)));
    for (const run of runs) await assertDone(world, run);
  });
});

describe('a run whose Temporal server is away', { concurrency: 1, timeout: 180_000 }, () => {
  it('goes on when it is back', async () => {
    const run = await startRun(world, 'server', { count: 40, seconds: 1 }, { workers: 2 });
    await untilSettled(run, 8);
    await servers.restartTemporalServer(awayMs);
    await assertDone(world, run);
  });
});
