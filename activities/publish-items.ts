import { activityInfo, CancelledFailure, Context } from '@temporalio/activity';
import type { v1 } from '@google-cloud/pubsub';
import type { Storage } from '@google-cloud/storage';
import { queueLost } from '../domain/failure-types.ts';
import { encodeItem } from '../domain/item.ts';
import { queueNames, runFolder } from '../domain/names.ts';
import type { RunRef } from '../domain/names.ts';
import { itemsPerShard } from '../domain/snapshot.ts';
import type { Snapshot } from '../domain/snapshot.ts';
import { describeError, grpc, statusOf } from './cloud-error.ts';
import { keepHeartbeating } from './heartbeat.ts';
import { outcomeCodes } from './ledger/ledger-state.ts';
import { loadLedger } from './ledger/load-ledger.ts';
import { pacedRequestMs, Pacer } from './publish/pacer.ts';
import { RequestWindow } from './publish/request-window.ts';
import { runFailure, stepError } from './run-failure.ts';
import { readShard } from './publish/shard-reader.ts';
import { count } from './run-counters.ts';
import { unlessCancelled } from './unless-cancelled.ts';

export type PublishItemsDeps = {
  readonly publisher: v1.PublisherClient;
  readonly projectId: string;
  readonly storage: Storage;
};

export type PublishItemsInput = {
  readonly run: RunRef;
  readonly snapshot: Pick<Snapshot, 'published' | 'attempt'>;
  /** This lane publishes shards `lane`, `lane + lanes`, … */
  readonly lane: number;
  readonly lanes: number;
  /** The rate that this lane keeps, and when its first item is due, Unix ms; absent: as fast as it goes. */
  readonly pace?: { readonly itemsPerMinute: number; readonly dueAtMs: number };
  /** Only what has no outcome: it was published before. For a run of one lane. */
  readonly again?: boolean;
  /** Where an earlier slice of this lane ended; 0 at first. */
  readonly from: number;
  /** After this the step returns with what it has done, so that a run that publishes for days can go on as new. */
  readonly sliceMs: number;
};

/** What a slice of publishing gives back: where the next one starts, unless the lane is done. */
export type PublishedSlice = {
  readonly next: number;
  readonly isDone: boolean;
  /** With a pace: when the next item is due, Unix ms. */
  readonly dueAtMs?: number;
  /** With `again`: how many are left. */
  readonly leftAgain?: number;
};

/** How far a lane is: items of the lane, counted from its first shard, before which all are confirmed. */
export type PublishProgress = { readonly confirmed: number; readonly dueAtMs?: number };

/** Pub/Sub's limit on one request. */
const maxMessagesPerRequest = 1_000;

/** Pub/Sub allows 10 MB; the rest is for the envelope of each message. */
const maxBytesPerRequest = 9_000_000;

/** Some bytes of each message are not its data: field tags, lengths. */
const messageOverheadBytes = 16;

/** Requests a lane has under way: at 50 ms an answer they are 80,000 messages a second, all that a process can encode. */
const maxRequestsInFlight = 4;

/**
 * Publishes one lane of the snapshot. Its heartbeat says before which item all is confirmed, and a retry goes on
 * there: what was under way when it died is published twice, which the ledger's bit set forgives. A slice that is cancelled ends
 * early: the run is paused and goes on later, or at another rate.
 */
export function createPublishItems(deps: PublishItemsDeps) {
  return async function publishItems(input: PublishItemsInput): Promise<PublishedSlice> {
    const { run, pace, sliceMs } = input;
    const { cancellationSignal: signal } = Context.current();
    const earlier = activityInfo().heartbeatDetails as PublishProgress | undefined;
    const window = new RequestWindow({
      confirmed: earlier?.confirmed ?? input.from,
      maxInFlight: maxRequestsInFlight,
    });
    const batchSize = pace === undefined ? maxMessagesPerRequest : pacedBatch(pace.itemsPerMinute);
    const pacer =
      pace === undefined
        ? null
        : new Pacer({
            itemsPerMinute: pace.itemsPerMinute,
            dueAtMs: earlier?.dueAtMs ?? pace.dueAtMs,
            latestInMs: sliceMs,
            signal,
          });
    const topic = `projects/${deps.projectId}/topics/${queueNames(run.name).items}`;
    const due = () => (pacer === null ? {} : { dueAtMs: pacer.dueAtMs });
    using _ = keepHeartbeating((): PublishProgress => ({ confirmed: window.confirmed, ...due() }));
    const codes = await codesOf(deps.storage, input);

    const endsAtMs = performance.now() + sliceMs;
    let isDone = true;
    try {
      const plan = { from: window.confirmed, batchSize, codes };
      for await (const { messages, items } of batchesOf(deps.storage, input, plan)) {
        isDone = pacer?.isDueBefore(endsAtMs) ?? true;
        if (!isDone) break;
        await pacer?.due(messages.length);
        await window.hasRoom();
        signal.throwIfAborted();
        window.add(items, () => publish(deps.publisher, topic, messages, signal));
        isDone = performance.now() < endsAtMs;
        if (!isDone) break;
      }
    } catch (error) {
      // Of a step that failed nothing may arrive after its end; of one that is cancelled it does no harm: the queue goes next, or
      // what was under way goes out once more.
      await window.isQuiet();
      if (!isCancelled(signal)) {
        signal.throwIfAborted();
        throw error;
      }
      isDone = false;
    }
    if (!signal.aborted) await window.isEmpty();
    const next = window.confirmed;
    return { next, isDone, ...due(), ...leftOf(codes, isDone ? Infinity : next) };
  };
}

type Message = { readonly data: Buffer };

/** Whether the run asks for this step's end; a worker that shuts down means another attempt elsewhere. */
function isCancelled({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof CancelledFailure && reason.message === 'CANCELLED';
}

/** The outcomes so far, an item a byte; null when they don't matter. */
async function codesOf(storage: Storage, input: PublishItemsInput): Promise<Uint8Array | null> {
  if (input.again !== true) return null;
  const { published } = input.snapshot;
  const { bucket, name } = input.run;
  return (await loadLedger(storage.bucket(bucket), name, { published, total: published })).codes;
}

function leftOf(codes: Uint8Array | null, from: number): { leftAgain?: number } {
  if (codes === null) return {};
  const left = codes.subarray(from).filter((code) => code === outcomeCodes.unsettled);
  return { leftAgain: left.length };
}

function pacedBatch(itemsPerMinute: number): number {
  const items = Math.floor((itemsPerMinute / 60_000) * pacedRequestMs);
  return Math.min(maxMessagesPerRequest, Math.max(1, items));
}

async function publish(
  publisher: v1.PublisherClient,
  topic: string,
  messages: Message[],
  signal: AbortSignal,
): Promise<void> {
  try {
    // The client itself retries for ten minutes what may pass, and cannot be stopped.
    await unlessCancelled(publisher.publish({ topic, messages }));
    count('published', messages.length);
  } catch (error) {
    signal.throwIfAborted();
    const doing = `publish ${messages.length} items to ${topic}`;
    if (statusOf(error) === grpc.notFound) {
      throw runFailure(queueLost, `${doing}: ${describeError(error)}`, error);
    }
    throw stepError(doing, error, 'the run cannot go on without its topic: start it again');
  }
}

/** Messages of a request, and how many items of the lane it brings past: those left out lie between them. */
type Batch = { readonly messages: Message[]; readonly items: number };

type BatchPlan = {
  readonly from: number;
  readonly batchSize: number;
  readonly codes: Uint8Array | null;
};

async function* batchesOf(
  storage: Storage,
  input: PublishItemsInput,
  { from, batchSize, codes }: BatchPlan,
): AsyncGenerator<Batch> {
  const bucket = storage.bucket(input.run.bucket);
  const folder = runFolder(input.run.name);
  let messages: Message[] = [];
  let items = 0;
  let bytes = 0;
  let before = 0;
  for (const { shard, size } of shardsOf(input)) {
    const start = Math.max(0, from - before);
    before += size;
    if (start >= size) continue;
    let index = shard * itemsPerShard + start;
    for await (const keys of readShard(bucket, {
      name: folder.newShard(shard, input.snapshot.attempt),
      from: start,
      size,
    })) {
      for (const key of keys) {
        const isWanted = codes === null || codes[index] === outcomeCodes.unsettled;
        const data = Buffer.from(encodeItem({ index, key, deaths: 0 }));
        index += 1;
        items += 1;
        if (!isWanted) continue;
        const messageBytes = data.length + messageOverheadBytes;
        if (messages.length === batchSize || bytes + messageBytes > maxBytesPerRequest) {
          yield { messages, items: items - 1 };
          messages = [];
          items = 1;
          bytes = 0;
        }
        messages.push({ data });
        bytes += messageBytes;
      }
    }
  }
  if (messages.length > 0) yield { messages, items };
}

function shardsOf({ snapshot, lane, lanes }: PublishItemsInput): { shard: number; size: number }[] {
  const shards: { shard: number; size: number }[] = [];
  for (let shard = lane; shard * itemsPerShard < snapshot.published; shard += lanes) {
    const size = Math.min(itemsPerShard, snapshot.published - shard * itemsPerShard);
    shards.push({ shard, size });
  }
  return shards;
}
