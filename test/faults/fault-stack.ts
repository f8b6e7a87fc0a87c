import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../infra/local/free-port.ts';
import { startRunStack } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { makeWorkflowBundle } from '../support/workflow-bundle.ts';
import { startRpcProxy } from './rpc-proxy.ts';
import type { RpcProxy } from './rpc-proxy.ts';
import { startStorageProxy } from './storage-proxy.ts';
import type { StorageProxy } from './storage-proxy.ts';

/** The local stack, whose processes reach queue, bucket and Temporal server through proxies that spoil calls. */
export type FaultStack = RunStack & {
  readonly queueProxy: RpcProxy;
  readonly storageProxy: StorageProxy;
  /** The Temporal worker's way to its server, not ours. */
  readonly temporalProxy: RpcProxy;
};

export type FaultStackOptions = {
  /** Shell scripts that the task `command` may run, by name; each makes a file at "$SPOTLOOP_OUTPUT". "$SITE" is the site's address. */
  readonly scripts?: Readonly<Record<string, string>>;
  /** False leaves the Temporal worker out. */
  readonly withWorker?: boolean;
  /** Variables that its Temporal worker, and so its downloaders, have besides. */
  readonly env?: Readonly<Record<string, string>>;
};

export async function startFaultStack(options: FaultStackOptions = {}): Promise<FaultStack> {
  const pubsub = await freePort();
  const storage = await freePort();
  const temporal = await freePort();
  const site = await freePort();
  await using undo = new AsyncDisposableStack();
  const temporalProxy = await startRpcProxy(`127.0.0.1:${temporal}`);
  undo.defer(temporalProxy.stop);
  const queueProxy = await startRpcProxy(`127.0.0.1:${pubsub}`);
  undo.defer(queueProxy.stop);
  const storageProxy = await startStorageProxy(`http://127.0.0.1:${storage}`);
  undo.defer(storageProxy.stop);
  const bundle = await makeWorkflowBundle();
  undo.defer(bundle.remove);
  const folder = await mkdtemp(join(tmpdir(), 'spotloop-faults-'));
  undo.defer(() => rm(folder, { recursive: true }));
  const world = await startRunStack({
    ports: { pubsub, storage, temporal, site },
    withWorker: options.withWorker ?? true,
    env: {
      ...bundle.env,
      ...(await commandsOf(folder, `SITE=http://127.0.0.1:${site}`, options.scripts ?? {})),
      ...options.env,
      TEMPORAL_ADDRESS: temporalProxy.host,
      PUBSUB_EMULATOR_HOST: queueProxy.host,
      STORAGE_EMULATOR_HOST: storageProxy.endpoint,
    },
  });
  const running = undo.move();
  return {
    ...world,
    queueProxy,
    storageProxy,
    temporalProxy,
    stop: async (files) => {
      await world.stop(files);
      await running.disposeAsync();
    },
  };
}

/** What a key says is given to scripts in a variable alone (I9). */
async function commandsOf(
  folder: string,
  setting: string,
  scripts: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  if (Object.keys(scripts).length === 0) return {};
  const file = join(folder, 'commands.json');
  const commands = Object.entries(scripts).map(([name, script]) => [
    name,
    { argv: ['sh', '-c', `${setting}; ${script}`], output: true },
  ]);
  await writeFile(file, JSON.stringify(Object.fromEntries(commands)));
  return { SPOTLOOP_COMMANDS_FILE: file };
}
