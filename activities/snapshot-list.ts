import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { Bucket } from '@google-cloud/storage';
import { failureTypes } from '../domain/failure-types.ts';
import { listedAs } from '../domain/list-address.ts';
import { runFolder } from '../domain/names.ts';
import type { RunRef } from '../domain/names.ts';
import { objectName } from '../domain/object-name.ts';
import type { RunSpec } from '../domain/run-spec.ts';
import { maxSuffixBytes } from '../domain/side-files.ts';
import { presentOf } from '../domain/snapshot.ts';
import type { Snapshot } from '../domain/snapshot.ts';
import { hasSideFiles } from '../domain/task.ts';
import { saveObject } from '../storage/save-object.ts';
import { describeError, http, statusOf } from './cloud-error.ts';
import { GoneMemory } from './gone/gone-memory.ts';
import { markGoneNames, writeGoneKeys } from './gone/gone-names.ts';
import type { GoneNames } from './gone/gone-names.ts';
import { keepHeartbeating } from './heartbeat.ts';
import { markFoundNames, markListedNames } from './list/bucket-names.ts';
import { decodeManifest } from './list/manifest.ts';
import type { Manifest } from './list/manifest.ts';
import { inBucket, knownGone, NameTable } from './list/name-table.ts';
import { ListUnreadable } from './list/list-unreadable.ts';
import type { ListDeps } from './list/open-list.ts';
import { readKeys } from './list/read-keys.ts';
import type { Tally } from './list/read-keys.ts';
import { ShardWriter } from './list/shard-writer.ts';
import { count, showRunCounters } from './run-counters.ts';
import { runFailure } from './run-failure.ts';
import { unlessCancelled } from './unless-cancelled.ts';

export type SnapshotDeps = ListDeps & {
  /** Longest component of an object name; absent unless the storage server keeps objects as files. */
  readonly maxComponentBytes?: number | undefined;
};

export type SnapshotListInput = { readonly run: RunRef; readonly spec: RunSpec };

/** A list up to here is looked up name by name: for more, listing the destination takes fewer requests. */
const mostLookups = 1_000;

/** A cancelled attempt removes its shards within this, if the bucket lets it: a run that is cancelled does not wait for a storage that hangs. */
const tidyMs = 5_000;

/**
 * Reads the list once and writes it as shards into the run folder: checked, without duplicates, what is in the
 * bucket already, and what an earlier run found gone, apart from what is to be done. Memory holds two shards and 17 bytes a place of the table of names.
 * Each attempt writes shards of its own, and the manifest says whose count; what another left is removed.
 * @throws InvalidList, with all problems, when the list cannot be a run's; nothing of it is left in the bucket then.
 */
export function createSnapshotList(deps: SnapshotDeps) {
  return async function snapshotList({ run, spec }: SnapshotListInput): Promise<Snapshot> {
    showRunCounters();
    const bucket = deps.storage.bucket(run.bucket);
    const folder = runFolder(run.name);
    const manifest = bucket.file(folder.manifest);
    const attempt = randomUUID().slice(0, 8);
    const tally: Tally = {
      lines: 0,
      blankLines: 0,
      duplicates: 0,
      unique: 0,
      wrongLines: 0,
      problems: [],
    };
    using _ = keepHeartbeating(() => ({ lines: tally.lines }));

    const earlier = await readSnapshot(manifest);
    if (earlier !== null) return earlier;
    const writing = writeShards(deps, { run, spec, attempt }, bucket, tally);
    try {
      const counts = await unlessCancelled(writing);
      refuseWrongList(spec, tally);
      const { blankLines, duplicates } = tally;
      const mine: Snapshot = { ...counts, duplicates, blankLines, attempt };
      const text = JSON.stringify(manifestOf(run, spec, mine), null, 2);
      const snapshot = (await isCreated(manifest, text))
        ? mine
        : ((await readSnapshot(manifest)) ?? mine);
      if (snapshot === mine) {
        count('listed', mine.total);
        count('present', presentOf(mine));
        count('gone', mine.gone ?? 0);
      }
      if (snapshot.attempt !== undefined) {
        await deleteShards(bucket, run.name, { butOf: snapshot.attempt });
      }
      return snapshot;
    } catch (error) {
      if (error instanceof ListUnreadable) {
        await deleteShards(bucket, run.name);
        throw runFailure(failureTypes.InvalidList, error.message, error.cause);
      }
      const tidy = async () => {
        await writing.catch(() => {});
        await deleteShards(bucket, run.name, { of: attempt });
      };
      await Promise.race([tidy().catch(() => {}), sleep(tidyMs, undefined, { ref: false })]);
      throw error;
    }
  };
}

type ListFile = ReturnType<Bucket['file']>;

async function readSnapshot(manifest: ListFile): Promise<Snapshot | null> {
  try {
    const [bytes] = await manifest.download();
    return decodeManifest(bytes.toString('utf8')).snapshot;
  } catch (error) {
    if (statusOf(error) === http.notFound) return null;
    throw new Error(`read gs://${manifest.bucket.name}/${manifest.name}: ${describeError(error)}`, {
      cause: error,
    });
  }
}

/** Create-only: of two attempts of this step the one that finishes first counts. */
async function isCreated(manifest: ListFile, text: string): Promise<boolean> {
  try {
    await saveObject(manifest, text, {
      contentType: 'application/json',
      preconditionOpts: { ifGenerationMatch: 0 },
    });
    return true;
  } catch (error) {
    if (statusOf(error) === http.conditionFailed) return false;
    throw error;
  }
}

async function writeShards(
  deps: SnapshotDeps,
  { run, spec, attempt }: SnapshotListInput & { readonly attempt: string },
  bucket: Bucket,
  tally: Tally,
): Promise<Pick<Snapshot, 'total' | 'published' | 'gone'>> {
  const signal = Context.current().cancellationSignal;
  const folder = runFolder(run.name);
  const table = new NameTable();
  const fresh = new ShardWriter(bucket, (shard) => folder.newShard(shard, attempt), signal);
  const present = new ShardWriter(bucket, (shard) => folder.presentShard(shard, attempt), signal);
  const gone = new ShardWriter(bucket, (shard) => folder.goneShard(shard, attempt), signal);
  const { prefix } = spec.destination;
  const nameOf = (key: string) => objectName(prefix, key, spec.task.extension);
  const memory = await GoneMemory.open(bucket, spec, Date.now());
  const goneNames: GoneNames = { memory, table, nameOf, signal };
  let goneCount = 0;
  const place = async (keys: readonly string[]) => {
    for (const key of keys) {
      const flags = table.flagsOf(nameOf(key));
      // What is in the bucket is never gone.
      const isNotTried = (flags & (inBucket | knownGone)) === knownGone;
      if (isNotTried) goneCount += 1;
      const writer = (flags & inBucket) === 0 ? fresh : present;
      if (!isNotTried && writer.add(key) === 'full') await writer.flush();
    }
  };

  const { extension } = spec.task;
  const sideSuffixBytes = hasSideFiles(spec.task) ? maxSuffixBytes : 0;
  const names = { prefix, extension, sideSuffixBytes, maxComponentBytes: deps.maxComponentBytes };
  const limit = spec.limit ?? Infinity;
  const list = { items: spec.items, listedAs: listedAs(spec.task) };
  const reading = { ...list, names, limit, table, tally, signal };
  let unplaced: string[] | null = [];
  for await (const keys of readKeys(deps, reading)) {
    // After a wrong line the rest is only read for more of them.
    if (tally.wrongLines > 0) continue;
    if (unplaced === null) {
      await place(keys);
      continue;
    }
    unplaced.push(...keys);
    if (unplaced.length > mostLookups) {
      await markListedNames({ bucket, prefix, table, signal });
      await markGoneNames(goneNames, { isListRead: false });
      await place(unplaced);
      unplaced = null;
    }
  }
  if (unplaced !== null && tally.wrongLines === 0) {
    await markFoundNames(bucket, unplaced.map(nameOf), table, signal);
    await markGoneNames(goneNames, { isListRead: true });
    await place(unplaced);
  }
  if (goneCount > 0 && tally.wrongLines === 0) await writeGoneKeys(goneNames, gone);
  const writers = [fresh, present, gone];
  await Promise.all(
    writers.map((writer) => (tally.wrongLines > 0 ? writer.abandon() : writer.finish())),
  );
  if (tally.wrongLines === 0 && gone.count !== goneCount) {
    throw new Error(
      `read what is gone from gs://${spec.destination.bucket}/${prefix}: ${gone.count} keys instead of ${goneCount} — it changed meanwhile, and is read again`,
    );
  }
  const total = fresh.count + present.count + gone.count;
  return { total, published: fresh.count, ...(gone.count === 0 ? {} : { gone: gone.count }) };
}

/** @throws ListUnreadable that names the wrong lines, or says that there is none at all. */
function refuseWrongList(spec: RunSpec, tally: Tally): void {
  const list = typeof spec.items === 'string' ? spec.items : '"items"';
  const lines = typeof spec.items === 'string' ? 'lines' : 'items';
  if (tally.wrongLines > 0) {
    const more = tally.wrongLines - tally.problems.length;
    throw new ListUnreadable(
      [
        `read list ${list}: ${tally.wrongLines} of ${tally.lines} ${lines} cannot be an item — correct the list and start again`,
        ...tally.problems,
        ...(more > 0 ? [`and ${more} more`] : []),
      ].join('\n'),
    );
  }
  if (tally.unique === 0) {
    throw new ListUnreadable(
      `read list ${list}: it holds no item (${tally.lines} ${lines}, all blank) — write one key on each line`,
    );
  }
}

function manifestOf(run: RunRef, spec: RunSpec, snapshot: Snapshot): Manifest {
  const { items, ...rest } = spec;
  const source = typeof items === 'string' ? items : `inline (${items.length} items)`;
  const { name, workflowId } = run;
  return { version: 1, run: name, workflowId, items: source, snapshot, spec: rest };
}

/** Deletes the shards of one attempt, or of all but one, or all of them. */
async function deleteShards(
  bucket: Bucket,
  run: string,
  { of, butOf }: { readonly of?: string; readonly butOf?: string } = {},
): Promise<void> {
  const { snapshot, manifest } = runFolder(run);
  const kept = [manifest, ...(butOf === undefined ? [] : [`${snapshot}${butOf}/`])];
  const [files] = await bucket.getFiles({
    prefix: of === undefined ? snapshot : `${snapshot}${of}/`,
  });
  for (const file of files) {
    if (kept.some((name) => file.name.startsWith(name))) continue;
    await file.delete({ ignoreNotFound: true });
  }
}
