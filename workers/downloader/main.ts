/**
 * The downloader: a process that pulls items, does the run's task for each and stores what comes of it, until there is
 * nothing to do. The map of its parts:
 *
 *   environment.ts    its settings            commands-file.ts  the programs the image offers
 *   leaving.ts        the steps of leaving    exit-of.ts        exit code and last line
 *   launch.ts         puts it together        rights.ts         may it do its work?
 *   health.ts         what probes look at     staging.ts        files on their way (owner-lock.ts: whose they are)
 *   downloader.ts     THE PROTOCOL: what is done with each message, with the invariants it keeps
 *     pulling.ts      asking for items        lease-keeper.ts   keeping them ours
 *     work-on-item.ts attempts at one item    throttle.ts       patience with the origin
 *     settling.ts     outcome or copy, then ack, in groups (group-commit.ts)
 *     beating.ts      what it says of itself    item-log.ts   what the log says of an item
 *     meter.ts        what it counts (prometheus-meter.ts), for whoever asks (open-meter.ts)
 *   tasks/            the body of the loop: yt-dlp, http, command (credentials.ts: cookies and proxy)
 *   store.ts          one object an item
 *   queue.ts          one call each to Pub/Sub
 *
 * Exit codes: 0 idle, or the run is over · 64 misconfigured, with one line that says what · 143 (130) after SIGTERM
 * (SIGINT) or the end of standard input · 1 crashed. Each other than 0 is told in one line on standard error, of JSON as the
 * log's and with the field `exitCode`; each, 0 too, in the termination message, where one is asked for.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { createLog } from '../process/log.ts';
import { writeTerminationMessage } from '../process/termination-message.ts';
import { parseDownloaderEnvironment, terminationMessageFile } from './environment.ts';
import { exitOfEnding, exitOfError, exitOfLateness } from './exit-of.ts';
import type { Exit } from './exit-of.ts';
import { prepareLeaving } from './leaving.ts';
import type { Leaving } from './leaving.ts';
import { messageOf } from './remote-errors.ts';

let leaving: Leaving | null = null;
/** What every line of the log carries, as far as it is known yet. */
let marks: { readonly run: string; readonly downloader: string } | undefined;

async function main(): Promise<Exit> {
  // V8 lets its heap grow while memory is plenty: 340 MB after 50,000 trivial items of which 40 are in use. A small
  // process also forks faster, and a downloader has little to do itself: 160 MB then, for 0.04 ms of CPU an item.
  setFlagsFromString('--optimize-for-size');
  const environment = parseDownloaderEnvironment(process.env);
  const run = environment.SPOTLOOP_ASSIGNMENT.run;
  const name =
    environment.SPOTLOOP_DOWNLOADER ??
    `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  marks = { run, downloader: name };
  const graceSeconds = environment.SPOTLOOP_GRACE_SECONDS;
  leaving = prepareLeaving({
    graceMs: graceSeconds * 1000,
    withStdin: environment.SPOTLOOP_EXIT_WITH_STDIN,
    exit: (cause) => end(exitOfLateness(cause, graceSeconds)),
  });
  // Only now, for it takes a second where the disk is cold: as process 1 of a container, a downloader that doesn't listen
  // yet is not ended by SIGTERM, but by SIGKILL after all of its grace time.
  const { launchDownloader } = await import('./launch.ts');
  const ending = await launchDownloader({ environment, name, variables: process.env, leaving });
  return exitOfEnding(ending, leaving.cause, environment.SPOTLOOP_ASSIGNMENT.idleExitMs);
}

function end({ code, line, severity, error }: Exit): never {
  const log = createLog({ level: 'info', fields: { ...marks }, to: 'stderr' });
  if (code !== 0)
    log[severity]({ exitCode: code, ...(error === undefined ? {} : { error }) }, line);
  const file = terminationMessageFile(process.env);
  try {
    if (file !== undefined) writeTerminationMessage(file, line);
  } catch (cause) {
    // How we end doesn't depend on whether it can be told.
    log.warn(
      `write termination message to ${file}: ${messageOf(cause)} — set SPOTLOOP_TERMINATION_MESSAGE_FILE to a file that can be written`,
    );
  }
  process.exit(code);
}

// Rejections that nobody handles come here too.
process.on('uncaughtException', (error) => {
  // Programs are in process groups of their own and would outlive us.
  leaving?.kill();
  end(exitOfError(error));
});

main().then(end, (error: unknown) => end(exitOfError(error)));
