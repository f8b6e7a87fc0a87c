import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { Client } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { createCreateQueue } from '../../activities/create-queue.ts';
import { createDeleteLeftovers } from '../../activities/delete-leftovers.ts';
import type { DeleteLeftoversDeps } from '../../activities/delete-leftovers.ts';
import { createLocalFleet } from '../../activities/fleets/local.ts';
import type { LocalFleet } from '../../activities/fleets/local.ts';
import { planFleet } from '../../activities/fleets/plan-fleet.ts';
import type { RunRegistry } from '../../activities/sweep/run-registry.ts';
import { queueLabels } from '../../domain/labels.ts';
import { queueNames, runName } from '../../domain/names.ts';
import type { RunRef } from '../../domain/names.ts';
import type { SweepResult } from '../../domain/sweep.ts';
import { ensurePart } from '../../infra/local/install/part.ts';
import { findTemporalCli } from '../../infra/local/install/temporal-cli.ts';
import { createRunRegistry } from '../../workers/temporal/run-registry.ts';
import { uniqueName } from '../support/unique-name.ts';
import { closeWorld, inActivity, openWorld, specOf } from './world.ts';
import type { World } from './world.ts';

/** Two namespaces of one server, and another server, all with their runs in one Google Cloud project. */

let world: World;
let servers: TestWorkflowEnvironment[];
let installations: Record<'ours' | 'neighbour' | 'elsewhere', Installation>;
before(async () => {
  const path = await ensurePart(await findTemporalCli());
  const server = {
    executable: { type: 'existing-path' as const, path },
    namespace: 'team-a',
    extraArgs: ['--namespace=Team_A'],
  };
  const [queue, one, other] = await Promise.all([
    openWorld(),
    TestWorkflowEnvironment.createLocal({ server }),
    TestWorkflowEnvironment.createLocal({ server }),
  ]);
  world = queue;
  servers = [one, other];
  installations = {
    ours: install(one, 'team-a'),
    // What a label keeps of its name, without its hash, is the same.
    neighbour: install(one, 'Team_A'),
    elsewhere: install(other, 'team-a'),
  };
});
after(async () => {
  await Promise.all(Object.values(installations).map(({ fleet }) => fleet.stopAll()));
  await Promise.all(servers.map((server) => server.teardown()));
  await closeWorld(world);
});

/** What one Temporal worker has, and what stands around it. */
type Installation = {
  readonly client: Client;
  readonly fleet: LocalFleet;
  readonly deps: DeleteLeftoversDeps;
};

function install(
  { address, connection }: TestWorkflowEnvironment,
  namespace: string,
): Installation {
  const client = new Client({ connection, namespace });
  const folder = join(world.stack.folder, uniqueName('fleet'));
  const fleet = createLocalFleet({
    environment: process.env,
    stagingFolder: join(folder, 'staging'),
    logFolder: join(folder, 'logs'),
    graceSeconds: 5,
    log: { warn: () => {} },
  });
  const deps: DeleteLeftoversDeps = {
    ...world.google,
    installation: `${address}/${namespace}`,
    registry: createRunRegistry(client),
    fleets: { local: fleet },
    defaultFleet: 'local',
  };
  return { client, fleet, deps };
}

/** Nobody works on it: what counts here is only whether it is open. */
async function startRun({ client }: Installation, workflowId = uniqueName('sweep')) {
  const handle = await client.workflow.start('downloadRun', { taskQueue: 'nobody', workflowId });
  const { firstExecutionRunId: firstRunId } = handle;
  const name = runName(workflowId, firstRunId);
  const run: RunRef = { name, workflowId, firstRunId, bucket: world.stack.bucket };
  return { handle, run };
}

/** A run with its queue; with downloaders, too, when they are asked for. */
async function startWithQueue(installation: Installation, { downloaders = 0 } = {}) {
  const { handle, run } = await startRun(installation);
  const spec = specOf({
    items: ['a'],
    destination: `gs://${run.bucket}/x/`,
    task: { kind: 'http' },
  });
  await inActivity(createCreateQueue(installation.deps), { run, spec });
  if (downloaders > 0) await installation.fleet.start(planFleet(run, spec, downloaders));
  return { handle, run };
}

const sweep = (
  { deps }: Installation,
  more: Partial<DeleteLeftoversDeps> = {},
  unknownForMs?: number,
): Promise<SweepResult> =>
  inActivity(createDeleteLeftovers({ ...deps, ...more }), { closedForMs: 1_000, unknownForMs });

/** What is left of a run's six topics and subscriptions. */
async function leftOf({ name }: RunRef): Promise<number> {
  const project = `projects/${world.stack.project}`;
  const [topics] = await world.google.publisher.listTopics({ project });
  const [subscriptions] = await world.google.subscriber.listSubscriptions({ project });
  const ours: readonly string[] = Object.values(queueNames(name));
  return [...topics, ...subscriptions].filter((one) =>
    ours.includes(one.name?.split('/').at(-1) ?? ''),
  ).length;
}

const whole = 8;

/** Ends a run as nobody could clean up after, a second and more ago. */
async function terminate(run: Awaited<ReturnType<typeof startRun>>): Promise<void> {
  await run.handle.terminate();
  await sleep(1_100);
}

describe('a sweep', { concurrency: 1 }, () => {
  it('removes what a terminated run left, and nothing of other installations in the project', async () => {
    const runs = await Promise.all(
      Object.values(installations).map(async (installation) => ({
        open: await startWithQueue(installation, { downloaders: 1 }),
        ended: await startWithQueue(installation, { downloaders: 1 }),
      })),
    );
    await Promise.all(runs.map(({ ended }) => terminate(ended)));

    // As impatient as can be: what it does not know, it would remove.
    const result = await sweep(installations.ours, {}, 1_000);
    deepEqual(result.removed, { runs: 1, topics: 4, subscriptions: 4, fleets: 1 });
    deepEqual([result.left.open, result.problems], [1, []]);
    const lefts = await Promise.all(
      runs.flatMap(({ open, ended }) => [leftOf(open.run), leftOf(ended.run)]),
    );
    deepEqual(lefts, [whole, 0, whole, whole, whole, whole]);
    for (const [at, { fleet }] of Object.values(installations).entries()) {
      equal((await fleet.read(runs[at]!.open.run.name)).kind, 'running');
      const { kind } = await fleet.read(runs[at]!.ended.run.name);
      equal(kind, at === 0 ? 'absent' : 'running');
    }

    deepEqual((await sweep(installations.ours)).removed, nothing);
    equal((await sweep(installations.neighbour)).removed.runs, 1);
    equal((await sweep(installations.elsewhere)).removed.runs, 1);
    for (const { open } of runs) {
      equal(await leftOf(open.run), whole);
      await terminate(open);
    }
    for (const installation of Object.values(installations)) await sweep(installation);
  });

  it('leaves a run that ended lately', async () => {
    const one = await startWithQueue(installations.ours);
    await one.handle.terminate();
    const { deps } = installations.ours;
    const patient = { closedForMs: 3_600_000, unknownForMs: undefined };
    const { removed, left } = await inActivity(createDeleteLeftovers(deps), patient);
    deepEqual([removed, left['closed-lately']], [nothing, 1]);
    equal(await leftOf(one.run), whole);
    await sleep(1_100);
    equal((await sweep(installations.ours)).removed.runs, 1);
  });

  it('removes what Temporal does not know only when it is older than what Temporal keeps', async () => {
    const { ours } = installations;
    const { run } = await startWithQueue(ours);
    const { workflowId, firstRunId: runId } = run;
    const { namespace } = ours.client.options;
    await ours.client.workflowService.deleteWorkflowExecution({
      namespace,
      workflowExecution: { workflowId, runId },
    });
    while ((await ours.deps.registry.read(run)).kind !== 'unknown');
    // The namespace keeps runs for a day.
    const { removed, left } = await sweep(ours);
    deepEqual([removed, left['unknown-lately']], [nothing, 1]);
    equal(await leftOf(run), whole);
    await sleep(1_100);
    equal((await sweep(ours, {}, 1_000)).removed.runs, 1);
    equal(await leftOf(run), 0);
  });

  it('removes nothing of a run that it cannot ask about, and tells of it', async () => {
    const { ours } = installations;
    const silent = await startWithQueue(ours);
    const other = await startWithQueue(ours);
    await Promise.all([terminate(silent), terminate(other)]);
    const registry: RunRegistry = {
      ...ours.deps.registry,
      read: (run) =>
        run.name === silent.run.name
          ? Promise.reject(new Error('deadline exceeded'))
          : ours.deps.registry.read(run),
    };
    const { removed, left, problems } = await sweep(ours, { registry });
    deepEqual([removed.runs, left.unasked], [1, 1]);
    deepEqual(problems, [`run ${silent.run.name}: deadline exceeded`]);
    deepEqual([await leftOf(silent.run), await leftOf(other.run)], [whole, 0]);
    equal((await sweep(ours)).removed.runs, 1);
  });

  it('goes on with the next run when one cannot be removed', async () => {
    const { ours } = installations;
    const stuck = await startWithQueue(ours);
    const other = await startWithQueue(ours);
    await Promise.all([terminate(stuck), terminate(other)]);
    const local = {
      ...ours.fleet,
      stop: (run: string) =>
        run === stuck.run.name ? Promise.reject(new Error('forbidden')) : ours.fleet.stop(run),
    };
    const { removed, left, problems } = await sweep(ours, { fleets: { local } });
    deepEqual([removed.runs, left.unremoved], [1, 1]);
    match(problems.join(), new RegExp(`^run ${stuck.run.name}: forbidden$`));
    equal(await leftOf(stuck.run), whole);
    equal((await sweep(ours)).removed.runs, 1);
  });

  it('finds runs on any page, and touches nothing that only looks like theirs', async () => {
    const { ours } = installations;
    const { publisher } = world.google;
    const project = `projects/${world.stack.project}`;
    const ended = await startWithQueue(ours);
    const { name, workflowId } = ended.run;
    const labels = queueLabels(ours.deps.installation, ended.run, Date.now());
    const { 'spotloop-workflow-0': _part, ...unmarked } = queueLabels(
      ours.deps.installation,
      { name: 'unmarked-0123456789ab', workflowId },
      Date.now(),
    );
    const strangers = [
      // Before and after ours by name, more than a page of them.
      ...Array.from({ length: 1_100 }, (_, at) => ({ name: `aaa-${at}`, labels: {} })),
      { name: 'zzz', labels: {} },
      { name: `copy-of-${name}-items`, labels },
      { name: 'spotloop-unmarked-0123456789ab-items', labels: unmarked },
    ].map((topic) => ({ ...topic, name: `${project}/topics/${topic.name}` }));
    for (const topic of strangers) await publisher.createTopic(topic);
    await terminate(ended);
    const { removed, left } = await sweep(ours);
    deepEqual(removed, { runs: 1, topics: 4, subscriptions: 4, fleets: 0 });
    equal(left.unmarked, 1);
    equal(await leftOf(ended.run), 0);
    const [topics] = await publisher.listTopics({ project });
    const names = new Set(topics.map((topic) => topic.name));
    ok(strangers.every((topic) => names.has(topic.name)));
  });

  it('counts what an attempt before it removed', async () => {
    const earlier = { removed: { runs: 7, topics: 28, subscriptions: 28, fleets: 0 } };
    const { deps } = installations.elsewhere;
    const result = await inActivity(
      createDeleteLeftovers(deps),
      { closedForMs: 1_000, unknownForMs: undefined },
      earlier,
    );
    deepEqual(result.removed, earlier.removed);
  });
});

const nothing = { runs: 0, topics: 0, subscriptions: 0, fleets: 0 };
