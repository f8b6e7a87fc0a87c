import { outcomesTopicKinds } from '../../domain/beat.ts';
import { encodeItem } from '../../domain/item.ts';
import type { Item } from '../../domain/item.ts';
import { encodeOutcome } from '../../domain/outcome.ts';
import type { Outcome } from '../../domain/outcome.ts';
import { createGroupCommit } from './group-commit.ts';
import type { CommitEntry } from './group-commit.ts';
import type { Lease } from './lease-keeper.ts';
import type { ItemQueueName, Queue, QueueMessage } from './queue.ts';
import { isHopeless } from './remote-errors.ts';

/** An item's message, as it was taken from a queue. */
export type Taken = { readonly from: ItemQueueName; readonly lease: Lease };

/** The two ways in which an item's message may be acked (I1). Both resolve when the ack is confirmed. */
export type Settling = {
  /** Publishes the outcome; acks when that is confirmed. */
  settle(taken: Taken, outcome: Outcome): Promise<void>;
  /** Publishes a copy, which carries the item's deaths; acks when that is confirmed (I5). */
  release(taken: Taken, copy: Item, to: ItemQueueName): Promise<void>;
};

type TextEntry = CommitEntry & { readonly text: string };
type AckEntry = CommitEntry & { readonly ackId: string };

/** Pub/Sub takes 10 MB and 1,000 messages a request; half of it keeps clear of what encoding adds. */
const maxPublishBytes = 5_000_000;
const maxPublishEntries = 1_000;

/** An outcomes message holds lines up to here: large enough to be few, small enough to be retried cheaply. */
const maxMessageBytes = 500_000;

/** An acknowledge request is bounded to 512 KiB; an ackId has some 200 bytes. */
const maxAckBytes = 400_000;
const maxAckEntries = 1_000;

/** `over` ends all trying: the process has no time left. */
export function createSettling(options: { queue: Queue; over: AbortSignal }): Settling {
  const { queue, over } = options;
  const bounds = { maxEntries: maxPublishEntries, maxBytes: maxPublishBytes };
  const outcomes = createGroupCommit<TextEntry>({
    ...bounds,
    name: 'publish outcomes',
    send: (entries) => queue.publishOutcomes(packLines(entries)),
    isHopeless,
    over,
  });
  const copiesTo = (name: ItemQueueName) =>
    createGroupCommit<TextEntry>({
      ...bounds,
      name: `publish released ${name}`,
      send: (entries) => queue[name].publish(entries.map(({ text }) => ({ text }))),
      isHopeless,
      over,
    });
  const acksOf = (name: ItemQueueName) =>
    createGroupCommit<AckEntry>({
      name: `acknowledge ${name}`,
      maxEntries: maxAckEntries,
      maxBytes: maxAckBytes,
      send: (entries) => queue[name].ack(entries.map(({ ackId }) => ackId)),
      isHopeless,
      over,
    });
  const copies = { items: copiesTo('items'), suspects: copiesTo('suspects') };
  const acks = { items: acksOf('items'), suspects: acksOf('suspects') };

  const ack = ({ from, lease }: Taken): Promise<void> =>
    acks[from].add({
      ackId: lease.ackId,
      sizeBytes: lease.ackId.length,
      isVoid: () => lease.isLost,
    });
  const entryOf = (lease: Lease, text: string): TextEntry => ({
    text,
    sizeBytes: Buffer.byteLength(text),
    isVoid: () => lease.isLost,
  });

  return {
    async settle(taken, outcome) {
      await outcomes.add(entryOf(taken.lease, encodeOutcome(outcome)));
      await ack(taken);
    },
    async release(taken, copy, to) {
      await copies[to].add(entryOf(taken.lease, encodeItem(copy)));
      await ack(taken);
    },
  };
}

/** JSON lines in as few messages as their bound allows. */
export function packLines(
  entries: readonly { readonly text: string; readonly sizeBytes: number }[],
): QueueMessage[] {
  const attributes = { [outcomesTopicKinds.attribute]: outcomesTopicKinds.outcomes };
  const messages: QueueMessage[] = [];
  let lines: string[] = [];
  let sizeBytes = 0;
  for (const entry of entries) {
    if (lines.length > 0 && sizeBytes + entry.sizeBytes > maxMessageBytes) {
      messages.push({ text: lines.join('\n'), attributes });
      lines = [];
      sizeBytes = 0;
    }
    lines.push(entry.text);
    sizeBytes += entry.sizeBytes + 1;
  }
  if (lines.length > 0) messages.push({ text: lines.join('\n'), attributes });
  return messages;
}
