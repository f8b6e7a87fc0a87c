import type { v1 } from '@google-cloud/pubsub';
import type { Bucket, Storage } from '@google-cloud/storage';
import { Context } from '@temporalio/activity';
import { encodeItem } from '../domain/item.ts';
import { queueNames, runFolder } from '../domain/names.ts';
import type { RunRef } from '../domain/names.ts';
import { itemsPerShard } from '../domain/snapshot.ts';
import type { Snapshot } from '../domain/snapshot.ts';
import { queueLost } from '../domain/failure-types.ts';
import { describeError, grpc, statusOf } from './cloud-error.ts';
import { keepHeartbeating } from './heartbeat.ts';
import { outcomeCodes } from './ledger/ledger-state.ts';
import { loadLedger } from './ledger/load-ledger.ts';
import { readShard } from './publish/shard-reader.ts';
import { count } from './run-counters.ts';
import { runFailure } from './run-failure.ts';

export type ReconcileDeps = {
  readonly projectId: string;
  readonly publisher: v1.PublisherClient;
  readonly storage: Storage;
};

export type ReconcileInput = { readonly run: RunRef; readonly snapshot: Snapshot };

/** Pub/Sub's limit on one request; even of the longest keys a thousand items are some 2 MB of the 10 it takes. */
const maxMessagesPerRequest = 1_000;

/**
 * Publishes again every item without an outcome, with no deaths. It may be stored, and only its outcome lost: whoever gets it
 * looks first. An item whose first message turns up after all is done twice at worst: its object is created once (I2) and its
 * outcome counts once.
 *
 * One request at a time: what is left after a stall is few, or nobody waits for it.
 * @throws ApplicationFailure `QueueLost` when the queue is not there.
 */
export function createReconcile(deps: ReconcileDeps) {
  return async function reconcile({
    run,
    snapshot,
  }: ReconcileInput): Promise<{ republished: number }> {
    const bucket = deps.storage.bucket(run.bucket);
    const { cancellationSignal: signal } = Context.current();
    const topic = `projects/${deps.projectId}/topics/${queueNames(run.name).items}`;
    let republished = 0;
    using _ = keepHeartbeating(() => ({ republished }));
    const { codes } = await loadLedger(bucket, run.name, snapshot);
    count('reconcileRounds', 1);
    for await (const messages of unsettledItems(bucket, run.name, snapshot, codes)) {
      signal.throwIfAborted();
      try {
        await deps.publisher.publish({ topic, messages });
      } catch (cause) {
        const message = `publish ${messages.length} items again to ${topic}: ${describeError(cause)}`;
        if (statusOf(cause) === grpc.notFound) throw runFailure(queueLost, message, cause);
        throw new Error(message, { cause });
      }
      republished += messages.length;
      count('republished', messages.length);
    }
    return { republished };
  };
}

/** Messages of the items without an outcome, as many as one request takes. Shards without such items aren't read. */
async function* unsettledItems(
  bucket: Bucket,
  run: string,
  { attempt }: Snapshot,
  codes: Uint8Array,
): AsyncGenerator<{ data: Buffer }[]> {
  const { newShard } = runFolder(run);
  let messages: { data: Buffer }[] = [];
  for (let from = 0; from < codes.length; from += itemsPerShard) {
    const inShard = codes.subarray(from, from + itemsPerShard);
    if (!inShard.includes(outcomeCodes.unsettled)) continue;
    let index = from;
    const shard = { name: newShard(from / itemsPerShard, attempt), from: 0, size: inShard.length };
    for await (const keys of readShard(bucket, shard)) {
      for (const key of keys) {
        if (codes[index] === outcomeCodes.unsettled) {
          const item = { index, key, deaths: 0, wasInHand: true };
          messages.push({ data: Buffer.from(encodeItem(item)) });
        }
        index += 1;
        if (messages.length < maxMessagesPerRequest) continue;
        yield messages;
        messages = [];
      }
    }
  }
  if (messages.length > 0) yield messages;
}
