import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { touchIntervalMs } from '../../../workers/downloader/health.ts';
import { createPod } from './pod.ts';
import { createWorld, eventually } from './world.ts';
import type { World } from './world.ts';

/** What the probes of `k8s/job.yaml` see of a real downloader. */
let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.stop());

describe("the probes of a downloader's pod", { concurrency: 2 }, () => {
  const isAlive = (health: string): boolean => {
    const probe = 'test -n "$(find "$SPOTLOOP_HEALTH_FOLDER/alive" -mmin -1)"';
    try {
      execFileSync('sh', ['-c', probe], {
        env: { ...process.env, SPOTLOOP_HEALTH_FOLDER: health },
      });
      return true;
    } catch {
      return false;
    }
  };
  const makeOld = (health: string): void => {
    const twoMinutesAgo = Date.now() / 1000 - 120;
    utimesSync(join(health, 'alive'), twoMinutesAgo, twoMinutesAgo);
  };

  it('find it alive, until its event loop hangs', async () => {
    const pod = await createPod(world, 'true');
    const downloader = pod.start();
    await pod.isReady();
    assert.ok(isAlive(pod.health));
    makeOld(pod.health);
    assert.ok(!isAlive(pod.health));
    await eventually('a touch', () => isAlive(pod.health));
    downloader.child.kill('SIGSTOP');
    makeOld(pod.health);
    await sleep(touchIntervalMs + 2_000);
    assert.ok(!isAlive(pod.health));
    downloader.child.kill('SIGCONT');
    await eventually('a touch', () => isAlive(pod.health));
    downloader.child.kill('SIGTERM');
    assert.equal((await downloader.ended).code, 143);
  });

  it('meet a configuration error where their folder cannot be written', async () => {
    const pod = await createPod(world, 'true');
    const downloader = pod.start({ SPOTLOOP_HEALTH_FOLDER: `${pod.messageFile}/inside` });
    assert.equal((await downloader.ended).code, 64);
    assert.match(downloader.stderr(), /health folder .*ENOTDIR.* — set SPOTLOOP_HEALTH_FOLDER/);
  });
});
