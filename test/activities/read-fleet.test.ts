import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLocalFleet } from '../../activities/fleets/local.ts';
import { createReadFleet } from '../../activities/read-fleet.ts';
import { runFailure } from '../../activities/run-failure.ts';
import { failureOf, inActivity, newRun } from './world.ts';

/** A fleet whose owner answers a look with this. */
function readFleetOf(answer: () => Promise<never>) {
  const local = createLocalFleet({
    environment: {},
    stagingFolder: '/nowhere',
    logFolder: '/nowhere',
    graceSeconds: 1,
    log: { warn: () => {} },
  });
  return createReadFleet({ fleets: { local: { ...local, read: answer } }, defaultFleet: 'local' });
}

const input = { run: newRun('b-1') };

describe('readFleet', () => {
  it('answers that nobody knows when the owner gave no answer', async () => {
    const message = 'list Jobs in namespace bulk: connect ECONNREFUSED 127.0.0.1:6443';
    const readFleet = readFleetOf(() => Promise.reject(new Error(message)));
    deepEqual(await inActivity(readFleet, input), { kind: 'unknown', message });
  });

  it('fails when asking again cannot help', async () => {
    const forbidden = 'list Jobs in namespace bulk: forbidden (403) — apply k8s/rbac.yaml';
    const readFleet = readFleetOf(() => Promise.reject(runFailure('FleetFailed', forbidden)));
    equal(await failureOf('FleetFailed', inActivity(readFleet, input)), forbidden);
  });

  it('fails when this Temporal worker has no such fleet', async () => {
    const readFleet = createReadFleet({ fleets: {}, defaultFleet: 'kubernetes' });
    equal(
      await failureOf('FleetFailed', inActivity(readFleet, input)),
      'find fleet "kubernetes": this Temporal worker has none — give it access to a cluster, or use "fleet": "local"',
    );
  });
});
