import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { createCreateQueue } from '../../../activities/create-queue.ts';
import { createLocalFleet } from '../../../activities/fleets/local.ts';
import type { LocalFleet, LocalFleetDeps } from '../../../activities/fleets/local.ts';
import type { FleetPlan } from '../../../activities/fleets/fleet.ts';
import { planFleet } from '../../../activities/fleets/plan-fleet.ts';
import type { FleetState } from '../../../domain/fleet-state.ts';
import { uniqueName } from '../../support/unique-name.ts';
import { closeWorld, inActivity, newRun, openWorld, specOf } from '../world.ts';
import type { World } from '../world.ts';

let world: World;
const fleets: LocalFleet[] = [];
before(async () => {
  world = await openWorld();
});
after(async () => {
  await Promise.all(fleets.map((fleet) => fleet.stopAll()));
  await closeWorld(world);
});

/** A fleet of its own folder. */
function newFleet(deps: Partial<LocalFleetDeps> = {}) {
  const folder = join(world.stack.folder, uniqueName('fleet'));
  const deaths: string[] = [];
  const fleet = createLocalFleet({
    environment: process.env,
    stagingFolder: join(folder, 'staging'),
    logFolder: join(folder, 'logs'),
    graceSeconds: 5,
    log: { warn: (_, message) => deaths.push(message) },
    ...deps,
  });
  fleets.push(fleet);
  return { fleet, folder, deaths };
}

/** A run with an empty queue, whose downloaders therefore idle. */
async function idleRun(workers: number, more: { idleExitMs?: number } = {}): Promise<FleetPlan> {
  const run = newRun(world.stack.bucket);
  const spec = specOf({
    items: ['a'],
    destination: `gs://${run.bucket}/${run.name}/`,
    task: { kind: 'http' },
  });
  await inActivity(createCreateQueue({ ...world.google, installation: 'test' }), { run, spec });
  const plan = planFleet(run, spec, workers);
  return { ...plan, assignment: { ...plan.assignment, ...more } };
}

/** Downloaders start within seconds, even where two cores run all tests; what takes longer does not come. */
const patienceMs = 20_000;

/** Resolves when the condition holds. */
async function eventually(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() > deadline)
      throw new Error(`not within ${patienceMs} ms: ${String(isTrue)}`);
    await sleep(20);
  }
}

/** Resolves when the fleet's state is what the test waits for. */
async function until(
  fleet: LocalFleet,
  run: string,
  isReached: (state: FleetState) => boolean,
): Promise<FleetState> {
  await eventually(async () => isReached(await fleet.read(run)));
  return fleet.read(run);
}

/** Process ids of the run's downloaders on this machine, from what the system knows. */
async function pidsOf(run: string): Promise<number[]> {
  const pids: number[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = await readFile(`/proc/${entry}/environ`, 'utf8').catch(() => '');
    if (environment.includes(`SPOTLOOP_DOWNLOADER=${run}-`)) pids.push(Number(entry));
  }
  return pids;
}

/** Resolves when so many downloaders have logged that they work. */
async function started(folder: string, run: string, count: number): Promise<void> {
  const logs = join(folder, 'logs', run);
  await eventually(async () => {
    const names = await readdir(logs).catch(() => []);
    const texts = await Promise.all(names.map((name) => readFile(join(logs, name), 'utf8')));
    return texts.filter((text) => text.includes('downloader started')).length >= count;
  });
}

describe('a local fleet', () => {
  it('is absent before it starts, runs, and is done when all downloaders ended idle', async () => {
    const { fleet, folder } = newFleet();
    const plan = await idleRun(2, { idleExitMs: 500 });
    deepEqual(await fleet.read(plan.run), { kind: 'absent' });
    await fleet.start(plan);
    await fleet.start(plan);
    deepEqual(await fleet.read(plan.run), {
      kind: 'running',
      live: 2,
      wanted: 2,
      replaced: 0,
      preempted: 0,
    });
    await until(fleet, plan.run, ({ kind }) => kind === 'done');
    deepEqual(await readdir(join(folder, 'logs', plan.run)), [
      `${plan.run}-0-0.log`,
      `${plan.run}-1-0.log`,
    ]);
    deepEqual(await readdir(join(folder, 'staging', plan.run)), []);
    await fleet.stop(plan.run);
    ok(!existsSync(join(folder, 'staging', plan.run)));
    deepEqual(await fleet.read(plan.run), { kind: 'absent' });
  });

  it('starts the next generation after all ended idle', async () => {
    const { fleet } = newFleet();
    const plan = await idleRun(1, { idleExitMs: 500 });
    await fleet.start(plan);
    await until(fleet, plan.run, ({ kind }) => kind === 'done');
    await fleet.start({ ...plan, workers: 2 });
    equal((await until(fleet, plan.run, ({ kind }) => kind === 'running')).kind, 'running');
    await fleet.stop(plan.run);
    deepEqual(await pidsOf(plan.run), []);
  });

  it('replaces a downloader that is killed', async () => {
    const { fleet, folder, deaths } = newFleet();
    const plan = await idleRun(1);
    await fleet.start(plan);
    await started(folder, plan.run, 1);
    const [pid = 0] = await pidsOf(plan.run);
    process.kill(pid, 'SIGKILL');
    await until(fleet, plan.run, (state) => state.kind === 'running' && state.replaced === 1);
    const [next = 0] = await pidsOf(plan.run);
    ok(next !== pid);
    match(deaths[0] ?? '', /^run downloader .*-0-0: killed by SIGKILL.* — see .*-0-0\.log$/);
    deepEqual(await readdir(join(folder, 'staging', plan.run)), [`${plan.run}-0-1`]);
    await fleet.stop(plan.run);
  });

  it('grows, shrinks from the end, pauses and goes on', async () => {
    const { fleet, folder } = newFleet();
    const plan = await idleRun(1);
    await fleet.start(plan);
    await fleet.scale(plan.run, 3);
    deepEqual(await fleet.read(plan.run), {
      kind: 'running',
      live: 3,
      wanted: 3,
      replaced: 0,
      preempted: 0,
    });
    await started(folder, plan.run, 3);
    const first = await pidsOf(plan.run);

    await fleet.scale(plan.run, 1);
    deepEqual(await fleet.read(plan.run), {
      kind: 'running',
      live: 1,
      wanted: 1,
      replaced: 0,
      preempted: 0,
    });
    await eventually(async () => (await pidsOf(plan.run)).length === 1);
    deepEqual(await pidsOf(plan.run), first.slice(0, 1));

    await fleet.suspend(plan.run);
    deepEqual(await fleet.read(plan.run), { kind: 'suspended' });
    await eventually(async () => (await pidsOf(plan.run)).length === 0);
    deepEqual(await fleet.read(plan.run), { kind: 'suspended' });

    await fleet.scale(plan.run, 2);
    await fleet.resume(plan.run);
    deepEqual(await fleet.read(plan.run), {
      kind: 'running',
      live: 2,
      wanted: 2,
      replaced: 0,
      preempted: 0,
    });
    await fleet.stop(plan.run);
    deepEqual(await pidsOf(plan.run), []);
  });

  it('stops the downloaders of all runs, and what is gone already', async () => {
    const { fleet } = newFleet();
    const [one, two] = await Promise.all([idleRun(1), idleRun(1)]);
    await Promise.all([fleet.start(one), fleet.start(two)]);
    await fleet.stopAll();
    deepEqual([...(await pidsOf(one.run)), ...(await pidsOf(two.run))], []);
    await fleet.stop(one.run);
    await fleet.stop('never-started');
  });

  it('leaves no downloader behind when its process is killed', async () => {
    const folder = join(world.stack.folder, uniqueName('fleet'));
    const plan = await idleRun(1);
    const owner = spawn(
      process.execPath,
      [join(import.meta.dirname, 'fleet-owner.ts'), JSON.stringify({ folder, plan })],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(owner.stdout, 'data');
    await started(folder, plan.run, 1);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    await eventually(async () => (await pidsOf(plan.run)).length === 0);
    const log = await readFile(join(folder, 'logs', plan.run, `${plan.run}-0-0.log`), 'utf8');
    match(log, /downloader leaves/);

    // The next owner knows nothing of it, and yet gives no name twice.
    const { fleet } = newFleet({ logFolder: join(folder, 'logs') });
    deepEqual(await fleet.read(plan.run), { kind: 'absent' });
    await fleet.start(plan);
    ok((await readdir(join(folder, 'logs', plan.run))).includes(`${plan.run}-0-1.log`));
    await fleet.stop(plan.run);
  });
});

describe('a local fleet that cannot run', () => {
  it('fails with the words of a misconfigured downloader', async () => {
    const { GOOGLE_CLOUD_PROJECT: _, ...environment } = process.env;
    const { fleet } = newFleet({ environment });
    const plan = await idleRun(1);
    await fleet.start(plan);
    const state = await until(fleet, plan.run, ({ kind }) => kind === 'failed');
    const message = state.kind === 'failed' ? state.message : '';
    match(message, /exit code 64, ".*GOOGLE_CLOUD_PROJECT.* is not set.*" — see .*\.log$/);
  });

  it('waits before it replaces a downloader that died, and says why', async () => {
    const program = join(world.stack.folder, 'dies.mjs');
    await writeFile(program, 'process.stderr.write("cannot open the sky\\n"); process.exit(3);');
    const { fleet } = newFleet({ program });
    const plan = await idleRun(1);
    await fleet.start(plan);
    const state = await until(
      fleet,
      plan.run,
      (now) => now.kind === 'running' && now.waitingFor !== undefined,
    );
    match(
      state.kind === 'running' ? (state.waitingFor ?? '') : '',
      /^the next downloader: run downloader .*: exit code 3, "cannot open the sky" — see .*\.log$/,
    );
    await fleet.stop(plan.run);
    deepEqual(await fleet.read(plan.run), { kind: 'absent' });
  });

  it('says so when it cannot even start one', async () => {
    const file = join(world.stack.folder, uniqueName('file'));
    await writeFile(file, '');
    const { fleet } = newFleet({ stagingFolder: file });
    const plan = await idleRun(1);
    await fleet.start(plan);
    const state = await until(
      fleet,
      plan.run,
      (now) => now.kind === 'running' && now.waitingFor !== undefined,
    );
    match(state.kind === 'running' ? (state.waitingFor ?? '') : '', /did not start: .*ENOTDIR/);
    await fleet.stop(plan.run).catch(() => {});
  });

  it('kills what a killed downloader started, and one that does not end within its grace time', async () => {
    const mark = join(world.stack.folder, uniqueName('child'));
    const program = join(world.stack.folder, 'stays.mjs');
    await writeFile(
      program,
      `import { spawn } from 'node:child_process';
       import { writeFileSync } from 'node:fs';
       process.on('SIGTERM', () => {});
       spawn('sleep', ['600'], { stdio: 'ignore' });
       writeFileSync(${JSON.stringify(mark)}, '');
       setInterval(() => {}, 1000);`,
    );
    const { fleet } = newFleet({ program, graceSeconds: 0.1 });
    const plan = await idleRun(1);
    await fleet.start(plan);
    await eventually(async () => existsSync(mark));
    const [downloaderPid = 0, childPid] = await pidsOf(plan.run);
    ok(childPid !== undefined);

    // Killed by another, such as the kernel for want of memory.
    process.kill(downloaderPid, 'SIGKILL');
    await eventually(async () => !(await pidsOf(plan.run)).includes(childPid));

    await until(fleet, plan.run, (state) => state.kind === 'running' && state.replaced === 1);
    await eventually(async () => (await pidsOf(plan.run)).length >= 2);
    await fleet.stop(plan.run);
    await eventually(async () => (await pidsOf(plan.run)).length === 0);
  });
});
