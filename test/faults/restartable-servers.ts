import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPubsubEmulator } from '../../infra/local/pubsub-emulator.ts';
import { startTemporalServer } from '../../infra/local/temporal-server.ts';
import type { RunStack } from '../support/run-stack.ts';

/** Servers of a stack that are stopped and started again where they were, by whoever uses the stack. */
export type RestartableServers = {
  /** Its runs are there again afterwards. */
  readonly restartTemporalServer: (pauseMs: number) => Promise<void>;
  /** All topics, subscriptions and messages are gone afterwards. */
  readonly restartEmulator: () => Promise<void>;
  /** Stops those that took the place of the stack's; before the stack itself. */
  readonly stop: () => Promise<void>;
};

export function restartableServersOf({ stack }: RunStack): RestartableServers {
  const { logFolder } = stack;
  let temporal: { stop: () => Promise<void> } = stack.temporal;
  let pubsub: { stop: () => Promise<void> } = stack.pubsub;
  return {
    restartTemporalServer: async (pauseMs) => {
      await temporal.stop();
      await sleep(pauseMs);
      temporal = await startTemporalServer({
        logFolder,
        databaseFile: join(logFolder, '..', 'temporal.db'),
        port: Number(new URL(`tcp://${stack.temporal.address}`).port),
        uiPort: Number(new URL(stack.temporal.uiAddress).port),
      });
    },
    restartEmulator: async () => {
      await pubsub.stop();
      const port = Number(stack.pubsub.host.split(':').at(-1));
      pubsub = await startPubsubEmulator({ logFolder, port });
    },
    stop: async () => {
      await Promise.all([temporal.stop(), pubsub.stop()]);
    },
  };
}
