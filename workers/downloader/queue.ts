import { isUtf8 } from 'node:buffer';
import type { Assignment } from '../../domain/assignment.ts';
import type { GoogleClients } from '../process/google-clients.ts';

/** A message as Pub/Sub delivered it. */
export type Delivery = {
  readonly ackId: string;
  /** When it was asked for, by the monotonic clock: its lease began after that. */
  readonly askedMs: number;
  readonly text: string;
  /** 1 at the first delivery of this message; 0 where the subscription doesn't count. */
  readonly deliveryAttempt: number;
};

export type QueueMessage = {
  readonly text: string;
  readonly attributes?: Readonly<Record<string, string>>;
};

/** A topic of items and its subscription. */
export type ItemQueue = {
  /** At most `max` messages that are there now. An empty array doesn't mean that the queue is empty (I6). */
  pull(max: number): Promise<Delivery[]>;
  /** Sets the deadline of leases anew, from now on. */
  renew(ackIds: readonly string[], deadlineSeconds: number): Promise<void>;
  ack(ackIds: readonly string[]): Promise<void>;
  publish(messages: readonly QueueMessage[]): Promise<void>;
};

/** Where an item comes from: with others, or alone (I7). */
export type ItemQueueName = 'items' | 'suspects';

/** One call each to Pub/Sub, without retries: who calls knows how long trying again makes sense. */
export type Queue = Readonly<Record<ItemQueueName, ItemQueue>> & {
  publishOutcomes(messages: readonly QueueMessage[]): Promise<void>;
};

/** One try of a call that answers at once. Three of them fit the shortest lease of 10 s with room for back-off. */
const callTimeoutMs = 3_000;

/** A request of several MB takes longer on a thin line. */
const publishTimeoutMs = 10_000;

export function createQueue(clients: GoogleClients, assignment: Assignment): Queue {
  const { publisher, subscriber, projectId } = clients;
  const topic = (name: string): string => `projects/${projectId}/topics/${name}`;

  /**
   * `retry: null` switches the client's own retries off: they go on for up to ten minutes and know neither lease nor
   * shutdown. Ours do (`group-commit.ts`, `lease-keeper.ts`).
   */
  const once = (timeout: number) => ({ timeout, retry: null });

  const publish = async (name: string, messages: readonly QueueMessage[]): Promise<void> => {
    await publisher.publish(
      {
        topic: topic(name),
        messages: messages.map(({ text, attributes }) => ({
          data: Buffer.from(text),
          ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
        })),
      },
      once(publishTimeoutMs),
    );
  };

  const itemQueue = (name: string): ItemQueue => {
    const subscription = `projects/${projectId}/subscriptions/${name}`;
    return {
      async pull(max) {
        // A pull that waits for messages goes on waiting on the server after its client has given it up, and swallows
        // what comes: for a lease that nobody keeps, and which then counts as a death (I7). Seen with the emulator; the
        // same at Google: emqx/emqx #17966, googleapis/google-cloud-php #710. So we don't let it wait.
        const askedMs = performance.now();
        const [response] = await subscriber.pull(
          { subscription, maxMessages: max, returnImmediately: true },
          once(callTimeoutMs),
        );
        return (response.receivedMessages ?? []).map((received) => ({
          ackId: received.ackId ?? '',
          askedMs,
          text: textOf(received.message?.data),
          deliveryAttempt: received.deliveryAttempt ?? 0,
        }));
      },
      async renew(ackIds, deadlineSeconds) {
        await subscriber.modifyAckDeadline(
          { subscription, ackIds: [...ackIds], ackDeadlineSeconds: deadlineSeconds },
          once(callTimeoutMs),
        );
      },
      async ack(ackIds) {
        await subscriber.acknowledge({ subscription, ackIds: [...ackIds] }, once(callTimeoutMs));
      },
      publish: (messages) => publish(name, messages),
    };
  };

  return {
    items: itemQueue(assignment.itemsTopic),
    suspects: itemQueue(assignment.suspectsTopic),
    publishOutcomes: (messages) => publish(assignment.outcomesTopic, messages),
  };
}

/** A message's text; '' when it is none, for a wrong byte must not become U+FFFD and so an item's key another key. */
export function textOf(data: Uint8Array | string | null | undefined): string {
  if (data === null || data === undefined) return '';
  const bytes =
    typeof data === 'string'
      ? Buffer.from(data, 'base64')
      : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return isUtf8(bytes) ? bytes.toString('utf8') : '';
}
