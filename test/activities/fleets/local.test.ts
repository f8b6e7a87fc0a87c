import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { uniqueName } from '../../support/unique-name.ts';
import { eventually, openFleetWorld, pidsOf, started, until } from './fleet-world.ts';
import type { FleetWorld } from './fleet-world.ts';

let world: FleetWorld;
before(async () => {
  world = await openFleetWorld();
});
after(() => world.close());

const running = (live: number) => ({
  kind: 'running',
  live,
  wanted: live,
  replaced: 0,
  preempted: 0,
});

describe('a local fleet', () => {
  it('is absent before it starts, runs, and is done when all downloaders ended idle', async () => {
    const { fleet, folder } = world.newFleet();
    const plan = await world.idleRun(2, { idleExitMs: 500 });
    deepEqual(await fleet.read(plan.run), { kind: 'absent' });
    await fleet.start(plan);
    await fleet.start(plan);
    deepEqual(await fleet.read(plan.run), running(2));
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
    const { fleet } = world.newFleet();
    const plan = await world.idleRun(1, { idleExitMs: 500 });
    await fleet.start(plan);
    await until(fleet, plan.run, ({ kind }) => kind === 'done');
    await fleet.start({ ...plan, workers: 2 });
    equal((await until(fleet, plan.run, ({ kind }) => kind === 'running')).kind, 'running');
    await fleet.stop(plan.run);
    deepEqual(await pidsOf(plan.run), []);
  });

  it('replaces a downloader that is killed', async () => {
    const { fleet, folder, deaths } = world.newFleet();
    const plan = await world.idleRun(1);
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
    const { fleet, folder } = world.newFleet();
    const plan = await world.idleRun(1);
    await fleet.start(plan);
    await fleet.scale(plan.run, 3);
    deepEqual(await fleet.read(plan.run), running(3));
    await started(folder, plan.run, 3);
    const first = await pidsOf(plan.run);

    await fleet.scale(plan.run, 1);
    deepEqual(await fleet.read(plan.run), running(1));
    await eventually(async () => (await pidsOf(plan.run)).length === 1);
    deepEqual(await pidsOf(plan.run), first.slice(0, 1));

    await fleet.suspend(plan.run);
    deepEqual(await fleet.read(plan.run), { kind: 'suspended' });
    await eventually(async () => (await pidsOf(plan.run)).length === 0);
    deepEqual(await fleet.read(plan.run), { kind: 'suspended' });

    await fleet.scale(plan.run, 2);
    await fleet.resume(plan.run);
    deepEqual(await fleet.read(plan.run), running(2));
    await fleet.stop(plan.run);
    deepEqual(await pidsOf(plan.run), []);
  });

  it('stops the downloaders of all runs, and what is gone already', async () => {
    const { fleet } = world.newFleet();
    const [one, two] = await Promise.all([world.idleRun(1), world.idleRun(1)]);
    await Promise.all([fleet.start(one), fleet.start(two)]);
    await fleet.stopAll();
    deepEqual([...(await pidsOf(one.run)), ...(await pidsOf(two.run))], []);
    await fleet.stop(one.run);
    await fleet.stop('never-started');
  });

  it('leaves no downloader behind when its process is killed', async () => {
    const folder = join(world.folder, uniqueName('fleet'));
    const plan = await world.idleRun(1);
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
    const { fleet } = world.newFleet({ logFolder: join(folder, 'logs') });
    deepEqual(await fleet.read(plan.run), { kind: 'absent' });
    await fleet.start(plan);
    ok((await readdir(join(folder, 'logs', plan.run))).includes(`${plan.run}-0-1.log`));
    await fleet.stop(plan.run);
  });
});
