import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { findJava } from './install/java.ts';
import { findPubsubEmulatorJar } from './install/pubsub-emulator-jar.ts';
import { startProcess } from './process.ts';

/** A running Pub/Sub emulator. It keeps everything in memory: stopping it loses all topics and messages. */
export type PubsubEmulator = {
  /** `127.0.0.1:PORT`, the value for `PUBSUB_EMULATOR_HOST`. */
  host: string;
  stop: () => Promise<void>;
};

/** Starts Google's Pub/Sub emulator on 127.0.0.1 and resolves when it answers. */
export async function startPubsubEmulator(options: {
  logFolder: string;
  port?: number;
}): Promise<PubsubEmulator> {
  const port = options.port ?? (await freePort());
  const emulator = await startProcess({
    name: 'the Pub/Sub emulator',
    command: await findJava(),
    // The `=` matters: `--port 8085` is silently ignored.
    args: ['-jar', await findPubsubEmulatorJar(), '--host=127.0.0.1', `--port=${port}`],
    logFile: join(options.logFolder, 'pubsub-emulator.log'),
    ready: { kind: 'http', url: `http://127.0.0.1:${port}/` },
  });
  return { host: `127.0.0.1:${port}`, stop: emulator.stop };
}
