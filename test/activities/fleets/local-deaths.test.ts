import { deepEqual, match, ok } from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Fleet } from '../../../activities/fleets/fleet.ts';
import { uniqueName } from '../../support/unique-name.ts';
import { eventually, openFleetWorld, pidsOf, until } from './fleet-world.ts';
import type { FleetWorld } from './fleet-world.ts';

let world: FleetWorld;
before(async () => {
  world = await openFleetWorld();
});
after(() => world.close());

/** What the run's next downloader waits for, when it waits. */
async function waitingForOf(fleet: Fleet, run: string): Promise<string> {
  const state = await until(
    fleet,
    run,
    (now) => now.kind === 'running' && now.waitingFor !== undefined,
  );
  return state.kind === 'running' ? (state.waitingFor ?? '') : '';
}

describe('a local fleet that cannot run', () => {
  it('fails with the words of a misconfigured downloader', async () => {
    const { GOOGLE_CLOUD_PROJECT: _, ...environment } = process.env;
    const { fleet } = world.newFleet({ environment });
    const plan = await world.idleRun(1);
    await fleet.start(plan);
    const state = await until(fleet, plan.run, ({ kind }) => kind === 'failed');
    const message = state.kind === 'failed' ? state.message : '';
    match(message, /exit code 64, ".*GOOGLE_CLOUD_PROJECT.* is not set.*" — see .*\.log$/);
  });

  it('waits before it replaces a downloader that died, and says why', async () => {
    const program = join(world.folder, 'dies.mjs');
    await writeFile(program, 'process.stderr.write("cannot open the sky\\n"); process.exit(3);');
    const { fleet } = world.newFleet({ program });
    const plan = await world.idleRun(1);
    await fleet.start(plan);
    match(
      await waitingForOf(fleet, plan.run),
      /^the next downloader: run downloader .*: exit code 3, "cannot open the sky" — see .*\.log$/,
    );
    await fleet.stop(plan.run);
    deepEqual(await fleet.read(plan.run), { kind: 'absent' });
  });

  it('says so when it cannot even start one', async () => {
    const file = join(world.folder, uniqueName('file'));
    await writeFile(file, '');
    const { fleet } = world.newFleet({ stagingFolder: file });
    const plan = await world.idleRun(1);
    await fleet.start(plan);
    match(await waitingForOf(fleet, plan.run), /did not start: .*ENOTDIR/);
    await fleet.stop(plan.run).catch(() => {});
  });

  it('kills what a killed downloader started, and one that does not end within its grace time', async () => {
    const mark = join(world.folder, uniqueName('child'));
    const program = join(world.folder, 'stays.mjs');
    await writeFile(
      program,
      `import { spawn } from 'node:child_process';
       import { writeFileSync } from 'node:fs';
       process.on('SIGTERM', () => {});
       spawn('sleep', ['600'], { stdio: 'ignore' });
       writeFileSync(${JSON.stringify(mark)}, '');
       setInterval(() => {}, 1000);`,
    );
    const { fleet } = world.newFleet({ program, graceSeconds: 0.1 });
    const plan = await world.idleRun(1);
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
