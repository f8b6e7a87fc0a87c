import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { startRun } from '../../support/clip-run.ts';
import { assertExact } from '../../support/cluster-run.ts';
import { addCorner, startClusterStack } from '../../support/cluster-stack.ts';

const world = await startClusterStack();

/** So short that it is asked for again during the run. */
const credentialSeconds = 3;

/** A kubeconfig whose user is an exec credential plug-in, as `gcloud container clusters get-credentials` writes one. */
async function writePluginConfig(folder: string, kubeconfig: string): Promise<string> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const [user] = config.users;
  assert.ok(user?.token !== undefined);
  await mkdir(folder, { recursive: true });
  const plugin = join(folder, 'auth-plugin');
  const script = `#!/bin/sh
echo asked >> '${folder}/asked'
cat <<END
{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {
  "token": "${user.token}",
  "expirationTimestamp": "$(date -u -d '+${credentialSeconds} seconds' +%Y-%m-%dT%H:%M:%SZ)"}}
END
`;
  await writeFile(plugin, script, { mode: 0o700 });
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: plugin,
    interactiveMode: 'Never',
    provideClusterInfo: true,
  };
  config.loadFromOptions({
    clusters: config.clusters,
    contexts: config.contexts,
    currentContext: config.currentContext,
    users: [{ name: user.name, exec }],
  });
  const file = join(folder, 'kubeconfig');
  await writeFile(file, config.exportConfig());
  return file;
}

export function define(): void {
  describe('a Temporal worker that signs in by a plug-in', { timeout: 400_000 }, () => {
    it('runs it again when its credential expires', async (test) => {
      const folder = join(world.stack.logFolder, 'signing-in');
      const corner = await addCorner(world, 'signing-in', async ({ KUBECONFIG = '' }) => ({
        KUBECONFIG: await writePluginConfig(folder, KUBECONFIG),
      }));
      test.after(() => corner.stop());
      const run = await startRun(world, 'signing-in', { count: 16, seconds: 2 }, { corner });
      await assertExact(world, run);
      const asked = (await readFile(join(folder, 'asked'), 'utf8')).trimEnd().split('\n').length;
      assert.ok(asked >= 2, `it was run ${asked} times`);
    });
  });
}
