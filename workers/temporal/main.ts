import { Client } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createActivities } from '../../activities/index.ts';
import type { FleetName } from '../../activities/fleets/choose-fleet.ts';
import type { Fleet } from '../../activities/fleets/fleet.ts';
import { createKubernetesFleet } from '../../activities/fleets/kubernetes.ts';
import { createLocalFleet } from '../../activities/fleets/local.ts';
import { readCommands } from '../process/commands-file.ts';
import { createGoogleClients } from '../process/google-clients.ts';
import { MisconfiguredError, misconfiguredExitCode } from '../process/environment.ts';
import { createLog } from '../process/log.ts';
import type { Log } from '../process/log.ts';
import { textOfAddress } from '../process/metrics-address.ts';
import { listenForShutdown } from '../process/shutdown.ts';
import { activityMarks } from './activity-marks.ts';
import { deploymentOptions } from './deployment-options.ts';
import { findYtDlp } from './find-yt-dlp.ts';
import { openCluster } from './open-cluster.ts';
import { createRunRegistry } from './run-registry.ts';
import { installRuntime } from './runtime.ts';
import { readSearchAttributes } from './search-attributes.ts';
import { readSettings } from './settings.ts';
import type { Settings } from './settings.ts';
import { readWorkflowBundle } from './workflow-bundle.ts';

/**
 * The Temporal worker: polls the task queue for workflow tasks and activities until SIGTERM.
 *
 *   settings.ts          what the environment says
 *   open-cluster.ts      the way to Kubernetes
 *   find-yt-dlp.ts       what lists pages
 *   run-registry.ts      what Temporal knows of runs, for the sweep
 *   search-attributes.ts which of ours the namespace has
 *   deployment-options.ts   which version of the code this is
 *   runtime.ts           Temporal's log into ours (logger.ts), its metrics and ours to Prometheus
 *   activity-marks.ts    whose log lines they are
 *   workflow-bundle.ts   the workflow code, made by bundle-workflows.ts
 *   ../process/          what it shares with the downloader
 *   ../../workflows, ../../activities   what it runs
 */

/** Heartbeats go out this often, or a killed worker would cost minutes of work done again (the SDK's default is 30 s). */
const heartbeatThrottle = '1s';

/** Activities that end within this after SIGTERM end by themselves; the rest go on elsewhere from their heartbeat. */
const shutdownGraceTime = '5s';

/**
 * The storage emulator's objects are files: a name's component ends at 255 bytes there, of which it takes 21 for its
 * temporary file's name ("." and up to 19 digits; 235 were taken, 240 refused). Cloud Storage itself has no such limit.
 */
const fileNameBytes = 234;

async function run(settings: Settings, log: Log): Promise<void> {
  installRuntime(log, settings.SPOTLOOP_METRICS_ADDRESS);
  const google = await createGoogleClients({ projectId: settings.GOOGLE_CLOUD_PROJECT });
  const workflowBundle = await readWorkflowBundle(settings.SPOTLOOP_WORKFLOW_BUNDLE);
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  const installation = `${connectionOptions.address ?? 'localhost:7233'}/${namespace}`;
  const localFleet = createLocalFleet({
    logFolder: settings.SPOTLOOP_LOG_FOLDER,
    stagingFolder: settings.SPOTLOOP_STAGING_FOLDER,
    graceSeconds: settings.SPOTLOOP_GRACE_SECONDS,
    environment: environmentOfDownloaders(settings),
    log,
  });
  const makeFleet = {
    local: () => localFleet,
    kubernetes: async () =>
      createKubernetesFleet({
        ...(await openCluster(settings)),
        installation,
        projectId: google.projectId,
      }),
  };
  const fleets: { -readonly [Name in FleetName]?: Fleet } = {};
  for (const name of settings.SPOTLOOP_FLEETS) fleets[name] = await makeFleet[name]();
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue: settings.SPOTLOOP_TASK_QUEUE,
    workflowBundle,
    activities: createActivities({
      projectId: google.projectId,
      publisher: google.publisher,
      subscriber: google.subscriber,
      storage: google.storage,
      installation,
      registry: createRunRegistry(new Client({ connection, namespace })),
      fleets,
      defaultFleet: settings.SPOTLOOP_FLEETS[0],
      localCommands: await readCommands(settings.SPOTLOOP_COMMANDS_FILE),
      stagingFolder: settings.SPOTLOOP_STAGING_FOLDER,
      readSearchAttributes: async () => {
        try {
          return await readSearchAttributes({ connection, namespace });
        } catch (error) {
          // They are a service to whoever looks: no run waits for them.
          log.warn({ error }, 'could not ask for search attributes');
          return [];
        }
      },
      isFileListAllowed: settings.SPOTLOOP_ALLOW_FILE_LISTS,
      ytDlp: await findYtDlp(settings.SPOTLOOP_YTDLP, withoutOurAccess(process.env)),
      maxComponentBytes: settings.STORAGE_EMULATOR_HOST === undefined ? undefined : fileNameBytes,
    }),
    maxHeartbeatThrottleInterval: heartbeatThrottle,
    defaultHeartbeatThrottleInterval: heartbeatThrottle,
    shutdownGraceTime,
    interceptors: { activity: [activityMarks] },
    ...deploymentOptions(settings),
  });
  listenForShutdown(() => worker.shutdown(), { withStdin: false });
  const running = worker.run();
  log.info({ taskQueue: settings.SPOTLOOP_TASK_QUEUE, namespace }, 'polling');
  try {
    await running;
  } finally {
    await localFleet.stopAll();
    await connection.close();
    await google.close();
  }
}

/** What programs that we start inherit, downloaders first of all: they know nothing of Temporal and Kubernetes, and least of all how to sign in there. */
function withoutOurAccess(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !/^(TEMPORAL_|KUBE)/.test(name)),
  );
}

/** Our metrics' address is taken, theirs is another. */
function environmentOfDownloaders(settings: Settings): NodeJS.ProcessEnv {
  const address = settings.SPOTLOOP_LOCAL_METRICS_ADDRESS;
  return {
    ...withoutOurAccess(process.env),
    SPOTLOOP_METRICS_ADDRESS: address === undefined ? '' : textOfAddress(address),
  };
}

const ourMarks = { process: 'temporal-worker' };

try {
  const settings = readSettings(process.env);
  const log = createLog({
    level: settings.SPOTLOOP_LOG_LEVEL,
    fields: ourMarks,
  });
  await run(settings, log);
} catch (error) {
  const isMisconfigured = error instanceof MisconfiguredError;
  createLog({ level: 'info', fields: ourMarks, to: 'stderr' }).error(
    isMisconfigured ? {} : { error },
    error instanceof Error ? error.message : String(error),
  );
  process.exitCode = isMisconfigured ? misconfiguredExitCode : 1;
}
// A collector's last pull waits up to a minute and a half for a message that nobody wants any more.
process.exit();
