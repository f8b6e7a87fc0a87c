import { mkdir, statfs } from 'node:fs/promises';
import { Context } from '@temporalio/activity';
import type { v1 } from '@google-cloud/pubsub';
import type { Storage } from '@google-cloud/storage';
import { failureTypes } from '../domain/failure-types.ts';
import { listedAs } from '../domain/list-address.ts';
import { runFoldersPrefix } from '../domain/names.ts';
import type { RunRef } from '../domain/names.ts';
import { isTopic } from '../domain/notice.ts';
import type { RunSpec } from '../domain/run-spec.ts';
import type { SearchAttributeName } from '../domain/search-attributes.ts';
import type { Task } from '../domain/task.ts';
import { formatBytes } from '../domain/units.ts';
import { saveObject } from '../storage/save-object.ts';
import { describeError, grpc, http, isDefinite, statusOf } from './cloud-error.ts';
import { chooseFleet } from './fleets/choose-fleet.ts';
import type { FleetDeps } from './fleets/choose-fleet.ts';
import { ListUnreadable } from './list/list-unreadable.ts';
import { openList } from './list/open-list.ts';
import { planFleet } from './fleets/plan-fleet.ts';
import type { ListDeps } from './list/open-list.ts';
import { runFailure } from './run-failure.ts';

export type PreflightDeps = ListDeps &
  FleetDeps & {
    readonly publisher: v1.PublisherClient;
    /** The commands that the local fleet's downloaders have, by name; absent where they cannot be known. */
    readonly localCommands?: Readonly<Record<string, { readonly output: boolean }>> | undefined;
    /** Where the local fleet's downloaders stage files; absent where they are on other machines. */
    readonly stagingFolder?: string | undefined;
    /** Which of our search attributes the namespace has; a server that does not say has none. */
    readonly readSearchAttributes: () => Promise<readonly SearchAttributeName[]>;
  };

export type PreflightInput = { readonly run: RunRef; readonly spec: RunSpec };

/** What the run needs to know of its surroundings. */
export type PreflightFindings = { readonly searchAttributes: readonly SearchAttributeName[] };

/**
 * Tries everything that a run needs before it creates anything: list, destination, fleet, command.
 * @throws PreflightFailed with all problems, one a line. What may pass by itself is thrown as it is and retried.
 */
export function createPreflight(deps: PreflightDeps) {
  return async function preflight({ run, spec }: PreflightInput): Promise<PreflightFindings> {
    const checks = [
      checkList(deps, spec),
      checkWritable(deps.storage, run.bucket, runFoldersPrefix, run.name),
      checkWritable(deps.storage, spec.destination.bucket, spec.destination.prefix, run.name),
      checkFleet(deps, run, spec),
      checkCommand(deps, spec),
      checkStaging(deps, spec),
      checkNotice(deps, spec),
    ];
    const results = await Promise.allSettled(checks);
    const problems = results.flatMap((result) =>
      result.status === 'fulfilled' && result.value !== null ? [result.value] : [],
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (problems.length > 0) {
      // Two probes of one bucket have the same to say when it is missing.
      throw runFailure(failureTypes.PreflightFailed, [...new Set(problems)].join('\n'));
    }
    if (failed !== undefined) throw failed.reason;
    return { searchAttributes: await deps.readSearchAttributes() };
  };
}

/** A problem in words, or null. */
type Check = Promise<string | null>;

/** Opens the list and reads its first bytes: metadata alone would not show a missing right to read. */
async function checkList(deps: ListDeps, spec: RunSpec): Check {
  if (typeof spec.items !== 'string') return null;
  try {
    const source = { address: spec.items, listedAs: listedAs(spec.task) };
    const chunks = await openList(deps, source, Context.current().cancellationSignal);
    // Leaving the loop closes the stream, and ends a yt-dlp that has more to tell.
    for await (const _ of chunks) break;
    return null;
  } catch (error) {
    if (error instanceof ListUnreadable) return error.message;
    if (isDefinite(error)) return `read list ${spec.items}: ${describeError(error)}`;
    throw error;
  }
}

/**
 * Creates a small object and deletes it, for both rights are needed: an upload with a wrong checksum is deleted.
 * Its name has a "!", which no item's has (`encodeKey`), and no "/", which would leave a folder where objects are files.
 */
async function checkWritable(
  storage: Storage,
  bucketName: string,
  prefix: string,
  run: string,
): Check {
  const place = `gs://${bucketName}/${prefix}`;
  const name = `${prefix}!preflight-${run}`;
  const file = storage.bucket(bucketName).file(name);
  try {
    await saveObject(file, '', { preconditionOpts: { ifGenerationMatch: 0 } });
  } catch (error) {
    const status = statusOf(error);
    if (status === http.notFound) {
      return `write to gs://${bucketName}: no such bucket — create it, or correct "destination"`;
    }
    // An earlier attempt of this check left it: so it could be written.
    if (status !== http.conditionFailed) {
      if (!isDefinite(error)) throw error;
      return `write to ${place}: ${describeError(error)} — give the Temporal worker's account the role Storage Object User on the bucket`;
    }
  }
  try {
    await file.delete({ ignoreNotFound: true });
    return null;
  } catch (error) {
    if (!isDefinite(error)) throw error;
    return `delete from ${place}: ${describeError(error)} — give the Temporal worker's account the role Storage Object User on the bucket, and delete ${name}`;
  }
}

async function checkFleet(deps: FleetDeps, run: RunRef, spec: RunSpec): Check {
  const choice = chooseFleet(deps, spec.fleet);
  if (choice.kind === 'unknown') return choice.problem;
  try {
    const problems = await choice.fleet.check(planFleet(run, spec, spec.workers.max));
    return problems.length === 0 ? null : problems.join('\n');
  } catch (error) {
    throw new Error(
      `ask fleet ${choice.name}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

async function checkCommand(deps: PreflightDeps, spec: RunSpec): Check {
  const { localCommands } = deps;
  const choice = chooseFleet(deps, spec.fleet);
  if (spec.task.kind !== 'command' || localCommands === undefined) return null;
  if (choice.kind === 'unknown' || choice.name !== 'local') return null;
  if (Object.hasOwn(localCommands, spec.task.name)) return null;
  const names = Object.keys(localCommands);
  const known = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
  return `find command "${spec.task.name}" in the local fleet's configuration: ${known} — add it there, or correct "task.name"`;
}

/** The disk must hold what the slots of the local fleet may stage at once. `http` and commands without output stage nothing. */
async function checkStaging(deps: PreflightDeps, spec: RunSpec): Check {
  const { stagingFolder } = deps;
  const choice = chooseFleet(deps, spec.fleet);
  if (stagingFolder === undefined || !isStaging(deps, spec.task)) return null;
  if (choice.kind === 'unknown' || choice.name !== 'local') return null;
  await mkdir(stagingFolder, { recursive: true });
  const { bavail, bsize } = await statfs(stagingFolder);
  const slots = spec.workers.max * spec.concurrency;
  const neededBytes = slots * spec.maxItemSizeBytes;
  if (bavail * bsize >= neededBytes) return null;
  return `stage files in ${stagingFolder}: ${formatBytes(bavail * bsize)} are free, and ${slots} slots of "maxItemSize" ${formatBytes(spec.maxItemSizeBytes)} may need ${formatBytes(neededBytes)} — set a smaller "maxItemSize", or fewer slots ("workers" × "concurrency")`;
}

/** Whether the topic is there. Who may publish may not be allowed to look at it: then the run's end shows. A web address is not asked. */
async function checkNotice({ publisher }: PreflightDeps, { notify }: RunSpec): Check {
  if (notify === undefined) return null;
  if (!isTopic(notify)) {
    if (URL.canParse(notify)) return null;
    return `notify ${notify}: not a web address — write it like https://host/path`;
  }
  try {
    await publisher.getTopic({ topic: notify });
    return null;
  } catch (error) {
    const status = statusOf(error);
    if (status === grpc.permissionDenied) return null;
    if (!isDefinite(error)) throw error;
    return `find topic ${notify}: ${describeError(error)} — create it, or correct "notify"`;
  }
}

function isStaging({ localCommands }: PreflightDeps, task: Task): boolean {
  switch (task.kind) {
    case 'yt-dlp':
      return true;
    case 'http':
      return false;
    case 'command':
      return localCommands?.[task.name]?.output === true;
  }
}
