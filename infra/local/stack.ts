/**
 * The local stack: everything a run needs, as real servers on loopback.
 *
 *   install/              each program: from PATH, else installed, else an error
 *   process.ts            starts and stops children, none of which outlives us
 *   temporal-server.ts    pubsub-emulator.ts    storage-server.ts    site/ (in this process)
 *   kubernetes-fleet.ts   a cluster for the downloaders, when asked for (cluster/)
 *   temporal-worker.ts    workers/temporal as a child, started again when it dies
 *   main.ts, demo.ts      `npm run local`, `npm run demo`
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRunAttributes } from './create-run-attributes.ts';
import { endLeftoverRuns } from './end-leftover-runs.ts';
import { lockFolder } from './folder-lock.ts';
import { install } from './install/install.ts';
import type { Report } from './install/part.ts';
import { startKubernetesFleet } from './kubernetes-fleet.ts';
import type { KubernetesFleet } from './kubernetes-fleet.ts';
import { startPubsubEmulator } from './pubsub-emulator.ts';
import type { PubsubEmulator } from './pubsub-emulator.ts';
import { startSite } from './site/site.ts';
import type { Site } from './site/site.ts';
import { startStorageServer } from './storage-server.ts';
import type { StorageServer } from './storage-server.ts';
import { startTemporalServer } from './temporal-server.ts';
import type { TemporalServer } from './temporal-server.ts';
import { startTemporalWorker } from './temporal-worker.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The bucket of the local stack, which exists from the start. */
export const localBucket = 'spotloop-local';
/** The task queue of its Temporal worker. */
export const taskQueue = 'spotloop';

/** What the sample site's playlist `samples` holds: enough to see a run with it. */
const samplePlaylistIds = 20;

/** What can be chosen; everything has a default. */
export type StackOptions = {
  /** Where database, bucket, logs and staging are; `.spotloop` in the repository by default. */
  folder?: string;
  /** Free ones by default. */
  ports?: { temporal?: number; ui?: number; pubsub?: number; storage?: number; site?: number };
  /** `kubernetes` starts a cluster as well, whose pods the downloaders are; `local` by default. */
  fleet?: 'local' | 'kubernetes';
  /** Two more nodes of that cluster, which only pods that tolerate the taint of this pool get. */
  extraPool?: string;
  /** Variables that its Temporal worker has besides. */
  env?: Readonly<Record<string, string>>;
  /** False leaves the Temporal worker out, for tests that run one of their own. */
  withWorker?: boolean;
  /** Hears what is installed, and when the Temporal worker dies. */
  report?: Report;
};

/** A running stack. */
export type Stack = {
  temporal: TemporalServer;
  pubsub: PubsubEmulator;
  storage: StorageServer;
  site: Site;
  /** The variables that its Temporal worker has, beside our own environment. */
  env: Record<string, string>;
  /** The `temporal` program. */
  temporalCli: string;
  /** Where the objects of {@link localBucket} are files. */
  bucketFolder: string;
  logFolder: string;
  /** The cluster, with `fleet: 'kubernetes'`. */
  kubernetes: KubernetesFleet | undefined;
  /** The pid of the Temporal worker at this moment. */
  workerPid: () => number | undefined;
  stop: () => Promise<void>;
};

/** Installs what is missing, starts everything, and resolves when the Temporal worker polls. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { folder = join(root, '.spotloop'), ports = {}, report = () => {} } = options;
  const programs = await install({ withTestServer: false, report });
  // What is to be undone, latest first; also when a later step fails.
  await using undo = new AsyncDisposableStack();
  undo.defer(await lockFolder(folder));

  const logFolder = join(folder, 'logs');
  const rootFolder = join(folder, 'bucket');
  const stagingFolder = join(folder, 'staging');
  await mkdir(stagingFolder, { recursive: true });
  const started = await Promise.allSettled([
    startTemporalServer({
      logFolder,
      databaseFile: join(folder, 'temporal.db'),
      port: ports.temporal,
      uiPort: ports.ui,
    }),
    startPubsubEmulator({ logFolder, port: ports.pubsub }),
    startStorageServer({
      logFolder,
      folder: rootFolder,
      buckets: [localBucket],
      port: ports.storage,
    }),
    startSite({
      port: ports.site,
      gone: await idsIn('gone-ids'),
      playlists: { samples: (await idsIn('youtube-ids')).slice(0, samplePlaylistIds) },
    }),
  ]);
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  undo.defer(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });
  const temporal = valueOf(started[0]);
  const pubsub = valueOf(started[1]);
  const storage = valueOf(started[2]);
  const site = valueOf(started[3]);

  await Promise.all([endLeftoverRuns(temporal, report), createRunAttributes(temporal)]);
  const emulators = {
    PUBSUB_EMULATOR_HOST: pubsub.host,
    STORAGE_EMULATOR_HOST: storage.endpoint,
    // Off Google, the client would wait for a metadata server that isn't there.
    METADATA_SERVER_DETECTION: 'none',
  };
  const kubernetes =
    options.fleet === 'kubernetes'
      ? await startKubernetesFleet({
          folder: join(folder, 'cluster'),
          places: emulators,
          extraPool: options.extraPool,
          report,
        })
      : undefined;
  if (kubernetes !== undefined) undo.defer(() => kubernetes.stop());

  const env = {
    ...emulators,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    GOOGLE_CLOUD_PROJECT: 'spotloop-local',
    SPOTLOOP_TASK_QUEUE: taskQueue,
    SPOTLOOP_FLEETS: 'local',
    SPOTLOOP_ALLOW_FILE_LISTS: '1',
    SPOTLOOP_STAGING_FOLDER: stagingFolder,
    SPOTLOOP_LOG_FOLDER: logFolder,
    SPOTLOOP_YTDLP: programs.ytDlp,
    SPOTLOOP_COMMANDS_FILE: fileURLToPath(new URL('commands.json', import.meta.url)),
    ...kubernetes?.env,
    ...options.env,
  };
  const worker =
    options.withWorker === false
      ? undefined
      : await startTemporalWorker({ env, logFolder, report });
  if (worker !== undefined) undo.defer(worker.stop);

  const running = undo.move();
  let stopping: Promise<void> | undefined;
  return {
    temporal,
    pubsub,
    storage,
    site,
    env,
    temporalCli: programs.temporal,
    bucketFolder: join(rootFolder, localBucket),
    logFolder,
    kubernetes,
    workerPid: () => worker?.pid(),
    stop: () => (stopping ??= running.disposeAsync()),
  };
}

function valueOf<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

async function idsIn(example: string): Promise<string[]> {
  const text = await readFile(new URL(`../../examples/${example}`, import.meta.url), 'utf8');
  return text.split('\n').filter((line) => line !== '');
}
