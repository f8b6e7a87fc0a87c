import { unlessAborted } from '../../domain/unless-aborted.ts';
import { createGoogleClients } from '../process/google-clients.ts';
import { createLog } from '../process/log.ts';
import type { Log } from '../process/log.ts';
import { readCredentials } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { runDownloader } from './downloader.ts';
import type { DownloaderEnding } from './downloader-ending.ts';
import type { DownloaderEnvironment } from './environment.ts';
import { folderError } from './folder-error.ts';
import { openHealth } from './health.ts';
import type { Health } from './health.ts';
import { openMeter } from './open-meter.ts';
import type { Leaving } from './leaving.ts';
import { createQueue } from './queue.ts';
import { checkRights } from './rights.ts';
import { openStaging } from './staging.ts';
import type { Staging } from './staging.ts';
import { createStore } from './store.ts';
import { createTask } from './tasks/create-task.ts';
import { createThrottle } from './throttle.ts';

export type LaunchOptions = {
  readonly environment: DownloaderEnvironment;
  /** This downloader's name in beats, logs and metrics. */
  readonly name: string;
  /** What programs inherit. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly leaving: Leaving;
};

/**
 * Puts the downloader together and runs it. Nothing is in hand before it runs: asked to leave earlier, it leaves at
 * once, whatever of its start is under way. What it made on disk is gone when this settles.
 * @throws MisconfiguredError when it can't work here; any error of a service or a disk that fails at start.
 */
export async function launchDownloader(options: LaunchOptions): Promise<DownloaderEnding> {
  const { environment, name, leaving } = options;
  const log = createLog({
    level: environment.SPOTLOOP_LOG_LEVEL,
    fields: { run: environment.SPOTLOOP_ASSIGNMENT.run, downloader: name },
  });
  const health = openHealth({ folder: environment.SPOTLOOP_HEALTH_FOLDER, name, log });
  try {
    const staging = await openStagingFolder(environment.SPOTLOOP_STAGING_FOLDER, log);
    try {
      const ending = await start(options, { name, log, health, staging });
      log.info({ ending: ending.kind }, 'downloader leaves');
      return ending;
    } catch (error) {
      if (error !== leaving.stopping.reason) throw error;
      log.info('downloader leaves before it has pulled');
      return { kind: 'stopped', parting: { settled: 0, released: 0, abandoned: 0 } };
    } finally {
      await staging.close();
    }
  } finally {
    health.close();
  }
}

type Parts = { name: string; log: Log; health: Health; staging: Staging };

async function start(options: LaunchOptions, parts: Parts): Promise<DownloaderEnding> {
  const { environment, leaving } = options;
  const { name, log, health, staging } = parts;
  const assignment = environment.SPOTLOOP_ASSIGNMENT;
  const { stopping, killing, over } = leaving;
  const orLeave = <Result>(step: Promise<Result>): Promise<Result> => unlessAborted(stopping, step);

  await orLeave(staging.removeDead());
  const clients = await orLeave(
    createGoogleClients({ projectId: environment.GOOGLE_CLOUD_PROJECT }),
  );
  const store = createStore({
    bucket: clients.storage.bucket(assignment.bucket),
    run: assignment.run,
    prefix: assignment.prefix,
    extension: assignment.task.extension,
    maxSizeBytes: assignment.maxItemSizeBytes,
    concurrency: assignment.concurrency,
  });
  const credentials = await orLeave(credentialsOf(environment));
  const task = await orLeave(
    createTask({
      assignment,
      credentials,
      store,
      staging,
      ytDlp: environment.SPOTLOOP_YTDLP,
      commandsFile: environment.SPOTLOOP_COMMANDS_FILE,
      environment: environmentOfPrograms(options.variables),
    }),
  );
  // While the cloud answers, the client of the metrics is loaded.
  const [meter] = await orLeave(
    Promise.all([
      openMeter({
        address: environment.SPOTLOOP_METRICS_ADDRESS,
        info: { run: assignment.run, downloader: name, task: assignment.task.kind },
        log,
      }),
      checkRights(clients, assignment),
    ]),
  );
  const now = (): number => performance.now();
  log.info({ task: assignment.task.kind, slots: assignment.concurrency }, 'downloader started');
  try {
    return await runDownloader({
      assignment,
      name,
      queue: createQueue(clients, assignment),
      meter,
      health,
      store,
      task,
      throttle: createThrottle({ now, random: Math.random }),
      log,
      now,
      stopping,
      killing,
      over,
    });
  } finally {
    meter.close();
  }
}

/** What no task of this run asks with is none of its business, and may be missing. */
async function credentialsOf(environment: DownloaderEnvironment): Promise<Credentials> {
  const { kind } = environment.SPOTLOOP_ASSIGNMENT.task;
  return readCredentials({
    cookies: kind === 'yt-dlp' ? environment.SPOTLOOP_COOKIES_FILE : undefined,
    proxy: kind === 'command' ? undefined : environment.SPOTLOOP_PROXY_FILE,
  });
}

async function openStagingFolder(folder: string, log: Log): Promise<Staging> {
  try {
    return await openStaging(folder, log);
  } catch (cause) {
    throw folderError({ folder, of: 'staging', setting: 'SPOTLOOP_STAGING_FOLDER' }, cause);
  }
}

/** Programs get the machine's environment without our settings: what a run's data says is none of their business. */
function environmentOfPrograms(
  variables: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const entries = Object.entries(variables).filter(([name]) => !name.startsWith('SPOTLOOP_'));
  return Object.fromEntries(entries);
}
