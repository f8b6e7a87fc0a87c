import { EventEmitter } from 'node:events';
import { PubSub, v1 } from '@google-cloud/pubsub';
import { Storage } from '@google-cloud/storage';

/** The clients both processes talk to Google Cloud with, made once in a `main.ts`. */
export type GoogleClients = {
  readonly projectId: string;
  readonly publisher: v1.PublisherClient;
  readonly subscriber: v1.SubscriberClient;
  readonly storage: Storage;
  close(): Promise<void>;
};

/**
 * A download by the storage client has more listeners on one stream than Node's 10, and each would warn of a leak that is
 * none (googleapis/google-cloud-node #9185). A real one still warns.
 */
EventEmitter.defaultMaxListeners = 20;

const storageApiPath = '/storage/v1';

/** The storage client alone; a project is only needed to create buckets. */
export function createStorageClient(options: { projectId?: string } = {}): Storage {
  const storage = new Storage(options);
  // With STORAGE_EMULATOR_HOST the client leaves the API's path out of its base address (uploads have it), and every
  // emulator answers 404 then.
  if (!storage.baseUrl.endsWith(storageApiPath)) storage.baseUrl += storageApiPath;
  return storage;
}

/**
 * The unary v1 clients, not the streaming ones: a streaming pull leases more than it has slots for and drops
 * leases after an hour (googleapis/nodejs-pubsub #784, #1213). The emulators are found through
 * `PUBSUB_EMULATOR_HOST` and `STORAGE_EMULATOR_HOST`, as Google's clients do.
 */
export async function createGoogleClients(options: { projectId: string }): Promise<GoogleClients> {
  const { projectId } = options;
  const pubsub = new PubSub({ projectId });
  const config = await pubsub.getClientConfig();
  await pubsub.close();
  const publisher = new v1.PublisherClient({ ...config });
  const subscriber = new v1.SubscriberClient({ ...config });
  return {
    projectId,
    publisher,
    subscriber,
    storage: createStorageClient({ projectId }),
    close: async () => {
      await Promise.all([publisher.close(), subscriber.close()]);
    },
  };
}
