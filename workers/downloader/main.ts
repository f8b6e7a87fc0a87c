/**
 * The downloader: a process that pulls items, does the run's task for each and stores what comes of it, until there is
 * nothing to do. The map of its parts:
 *
 *   environment.ts    its settings            commands-file.ts  the programs the image offers
 *   rights.ts         may it do its work?     staging.ts        files on their way (owner-lock.ts: whose they are)
 *   downloader.ts     THE PROTOCOL: what is done with each message, with the invariants it keeps
 *     pulling.ts      asking for items        lease-keeper.ts   keeping them ours
 *     work-on-item.ts attempts at one item    throttle.ts       patience with the origin
 *     settling.ts     outcome or copy, then ack, in groups (group-commit.ts)
 *     beating.ts      what it says of itself
 *   tasks/            the body of the loop: yt-dlp, http, command
 *   store.ts          one object an item      queue.ts          one call each to Pub/Sub
 *
 * Exit codes: 0 idle, or the run is over · 64 misconfigured, with one line that says what · 143 (130) after SIGTERM
 * (SIGINT) or the end of standard input · 1 crashed.
 */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { MisconfiguredError, misconfiguredExitCode } from '../process/environment.ts';
import { createGoogleClients } from '../process/google-clients.ts';
import { createLog } from '../process/log.ts';
import { listenForShutdown, shutdownExitCodes } from '../process/shutdown.ts';
import type { ShutdownCause } from '../process/shutdown.ts';
import { runDownloader } from './downloader.ts';
import type { DownloaderEnding } from './downloader.ts';
import { parseDownloaderEnvironment } from './environment.ts';
import type { DownloaderEnvironment } from './environment.ts';
import { createQueue } from './queue.ts';
import { messageOf } from './remote-errors.ts';
import { checkRights } from './rights.ts';
import { openStaging } from './staging.ts';
import { createStore } from './store.ts';
import { createTask } from './tasks/create-task.ts';
import { createThrottle } from './throttle.ts';

/** Of the grace time, kept for killing, removing staged files, publishing and acking. */
const reserveShare = 1 / 3;
const longestReserveMs = 5_000;
/** Of the grace time, left at its end when everything is given up, so that the exit is still ours. */
const exitShare = 1 / 10;
const longestExitMs = 500;

const crashedExitCode = 1;

async function main(): Promise<number> {
  // V8 lets its heap grow while memory is plenty: 340 MB after 50,000 trivial items of which 40 are in use. A small
  // process also forks faster, and a downloader has little to do itself: 160 MB then, for 0.04 ms of CPU an item.
  setFlagsFromString('--optimize-for-size');
  const environment = parseDownloaderEnvironment(process.env);
  const shutdown = prepareShutdown(environment);
  const assignment = environment.SPOTLOOP_ASSIGNMENT;
  const name =
    environment.SPOTLOOP_DOWNLOADER ??
    `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  const log = createLog({
    level: environment.SPOTLOOP_LOG_LEVEL,
    fields: { run: assignment.run, downloader: name },
  });
  const staging = await openStaging(environment.SPOTLOOP_STAGING_FOLDER, log).catch(
    (cause: unknown) => {
      throw new MisconfiguredError(
        `staging folder ${environment.SPOTLOOP_STAGING_FOLDER}: ${messageOf(cause)} — set SPOTLOOP_STAGING_FOLDER to a folder that can be written`,
        { cause },
      );
    },
  );
  try {
    await staging.removeDead();
    const clients = await createGoogleClients({ projectId: environment.GOOGLE_CLOUD_PROJECT });
    const store = createStore({
      bucket: clients.storage.bucket(assignment.bucket),
      run: assignment.run,
      prefix: assignment.prefix,
      extension: assignment.task.extension,
      maxSizeBytes: assignment.maxItemSizeBytes,
      concurrency: assignment.concurrency,
    });
    const task = await createTask({
      assignment,
      store,
      staging,
      ytDlp: environment.SPOTLOOP_YTDLP,
      commandsFile: environment.SPOTLOOP_COMMANDS_FILE,
      environment: environmentOfPrograms(),
    });
    await checkRights(clients, assignment);
    const now = (): number => performance.now();
    log.info({ task: assignment.task.kind, slots: assignment.concurrency }, 'downloader started');
    const ending = await runDownloader({
      assignment,
      name,
      queue: createQueue(clients, assignment),
      store,
      task,
      throttle: createThrottle({ now, random: Math.random }),
      log,
      now,
      ...shutdown.signals,
    });
    log.info({ ending: ending.kind }, 'downloader leaves');
    return exitCodeOf(ending, shutdown.cause());
  } finally {
    await staging.close();
  }
}

/** Signals and the end of standard input become three abort signals, one for each step of leaving (I5). */
function prepareShutdown(environment: DownloaderEnvironment) {
  const stopping = new AbortController();
  const killing = new AbortController();
  const over = new AbortController();
  const graceMs = environment.SPOTLOOP_GRACE_SECONDS * 1000;
  let cause: ShutdownCause | null = null;
  // Each item that waits listens for it.
  setMaxListeners(0, stopping.signal, killing.signal, over.signal);
  listenForShutdown(
    (why) => {
      cause = why;
      stopping.abort();
      const reserveMs = Math.min(longestReserveMs, graceMs * reserveShare);
      setTimeout(() => killing.abort(), graceMs - reserveMs);
      setTimeout(() => over.abort(), graceMs - Math.min(longestExitMs, graceMs * exitShare));
      setTimeout(() => process.exit(shutdownExitCodes[why]), graceMs);
    },
    { withStdin: environment.SPOTLOOP_EXIT_WITH_STDIN },
  );
  return {
    signals: { stopping: stopping.signal, killing: killing.signal, over: over.signal },
    cause: (): ShutdownCause | null => cause,
  };
}

function exitCodeOf(ending: DownloaderEnding, cause: ShutdownCause | null): number {
  switch (ending.kind) {
    case 'queue-refused':
      throw new MisconfiguredError(
        `${ending.doing}: ${messageOf(ending.error)} — unless the run is over already, grant the downloader roles/pubsub.subscriber and publisher`,
        { cause: ending.error },
      );
    case 'idle':
    case 'queue-deleted':
      return 0;
    case 'stopped':
      return cause === null ? 0 : shutdownExitCodes[cause];
  }
}

/** Programs get the machine's environment without our settings: what a run's data says is none of their business. */
function environmentOfPrograms(): Record<string, string | undefined> {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('SPOTLOOP_'));
  return Object.fromEntries(entries);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof MisconfiguredError) {
      process.stderr.write(`spotloop downloader: ${error.message}\n`);
      process.exit(misconfiguredExitCode);
    }
    process.stderr.write(
      `spotloop downloader: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
    process.exit(crashedExitCode);
  },
);
