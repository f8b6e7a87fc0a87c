import { freePort } from '../../infra/local/free-port.ts';
import { startRunStack } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { makeWorkflowBundle } from '../support/workflow-bundle.ts';
import { startRpcProxy } from './rpc-proxy.ts';
import type { RpcProxy } from './rpc-proxy.ts';
import { startStorageProxy } from './storage-proxy.ts';
import type { StorageProxy } from './storage-proxy.ts';

/** The local stack, whose Temporal worker and downloaders reach queue and bucket through proxies that spoil calls. */
export type FaultStack = RunStack & {
  readonly queueProxy: RpcProxy;
  readonly storageProxy: StorageProxy;
};

export async function startFaultStack(): Promise<FaultStack> {
  const [pubsub, storage] = [await freePort(), await freePort()];
  await using undo = new AsyncDisposableStack();
  const queueProxy = await startRpcProxy(`127.0.0.1:${pubsub}`);
  undo.defer(queueProxy.stop);
  const storageProxy = await startStorageProxy(`http://127.0.0.1:${storage}`);
  undo.defer(storageProxy.stop);
  const bundle = await makeWorkflowBundle();
  undo.defer(bundle.remove);
  const world = await startRunStack({
    ports: { pubsub, storage },
    env: {
      ...bundle.env,
      PUBSUB_EMULATOR_HOST: queueProxy.host,
      STORAGE_EMULATOR_HOST: storageProxy.endpoint,
    },
  });
  const running = undo.move();
  return {
    ...world,
    queueProxy,
    storageProxy,
    stop: async (options) => {
      await world.stop(options);
      await running.disposeAsync();
    },
  };
}
