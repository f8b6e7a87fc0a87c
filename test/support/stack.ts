import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPubsubEmulator } from '../../infra/local/pubsub-emulator.ts';
import { startStorageServer } from '../../infra/local/storage-server.ts';

/** The two remotes that activities and the downloader talk to, as real servers on loopback. */
export type QueueAndStorage = {
  /** `127.0.0.1:PORT` of the Pub/Sub emulator: `new PubSub({ projectId, apiEndpoint: host, emulatorMode: true })`. */
  pubsubHost: string;
  /** `http://127.0.0.1:PORT` of the storage server: `new Storage({ projectId, apiEndpoint })`. */
  storageEndpoint: string;
  /** The project id that both are used with. */
  project: string;
  /** A bucket that exists, for everyone: keep apart by {@link uniqueName} prefixes. */
  bucket: string;
  /** Where the server keeps its buckets: an object is `BUCKET/NAME` in it. */
  storageFolder: string;
  /** A fresh folder, gone after `stop()`: for staging and the like. */
  folder: string;
  /** The same as variables, for child processes. */
  env: Record<string, string>;
  /** Stops both servers and removes their files. */
  stop: () => Promise<void>;
};

const project = 'spotloop-test';
const bucket = 'spotloop-test';

let started: Promise<QueueAndStorage> | undefined;

/**
 * Starts the Pub/Sub emulator and the storage server, once in a test process: later calls get the same ones. Call it in
 * `before`, and `stop` in `after`, at the top level of a test file.
 */
export function startQueueAndStorage(): Promise<QueueAndStorage> {
  return (started ??= start());
}

async function start(): Promise<QueueAndStorage> {
  const root = await mkdtemp(join(tmpdir(), 'spotloop-test-'));
  const logFolder = join(root, 'logs');
  const storageFolder = join(root, 'buckets');
  const [pubsub, storage] = await Promise.all([
    startPubsubEmulator({ logFolder }),
    startStorageServer({ logFolder, folder: storageFolder, buckets: [bucket] }),
  ]);
  return {
    pubsubHost: pubsub.host,
    storageEndpoint: storage.endpoint,
    project,
    bucket,
    storageFolder,
    folder: await mkdtemp(join(root, 'work-')),
    env: {
      PUBSUB_EMULATOR_HOST: pubsub.host,
      STORAGE_EMULATOR_HOST: storage.endpoint,
      GOOGLE_CLOUD_PROJECT: project,
      METADATA_SERVER_DETECTION: 'none',
    },
    async stop() {
      started = undefined;
      await Promise.all([pubsub.stop(), storage.stop()]);
      await rm(root, { recursive: true, force: true });
    },
  };
}
