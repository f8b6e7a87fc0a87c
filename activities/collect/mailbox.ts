import type { protos, v1 } from '@google-cloud/pubsub';
import { grpc, isDefinite, statusOf } from '../cloud-error.ts';

/** Pub/Sub's own limit on messages a pull gives back. */
const maxMessagesPerPull = 1_000;
/** A request may have 512 KiB; the rest is for the subscription's name and the encoding. */
const maxAckRequestBytes = 400_000;
/** A pull waits so long for a first message; shorter ones would be cut off, with their messages, more often. */
const pullTimeoutMs = 90_000;
/** Pause after a pull that failed for a passing reason. */
const retryPauseMs = 1_000;
/**
 * What arrives in a parked mailbox waits so long for the next slice, which comes within a tenth of this; else it
 * runs in another process, and waits for these very messages.
 */
const parkedMs = 1_000;

/** A message in hand: leased, not yet acked. */
export type Mail = {
  readonly ackId: string;
  readonly data: Uint8Array;
  readonly attributes: { readonly [name: string]: string };
  readonly publishedAtMs: number;
};

export type MailboxOptions = {
  readonly subscriber: v1.SubscriberClient;
  /** Full name: projects/…/subscriptions/…. */
  readonly subscription: string;
  /** Pulls outstanding at once. */
  readonly pulls: number;
  /** No new pull starts while so many messages, or so many bytes of them, are in hand. */
  readonly maxMessages: number;
  readonly maxBytes: number;
};

/** Pub/Sub refuses to give messages; asking again helps only if it has just been made. */
export class PullRefused extends Error {
  override readonly name = 'PullRefused';
  /** There is no such subscription. */
  readonly isAbsent: boolean;

  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.isAbsent = statusOf(cause) === grpc.notFound;
  }
}

type PullCall = Promise<unknown> & { cancel?: () => void };

/**
 * The messages of one subscription, pulled ahead. Between two slices it is *parked* and not closed: a pull that is
 * cut off may have leased messages that nobody sees until their lease ends. Its pulls stay, and what they bring is
 * kept for the next slice for a while, or given back.
 */
export class Mailbox {
  readonly #options: MailboxOptions;
  readonly #calls = new Set<PullCall>();
  #arrived: Mail[] = [];
  #inHand = { messages: 0, bytes: 0 };
  #state: 'open' | 'parked' | 'left' | 'closed' = 'parked';
  #onChange: () => void = () => {};
  #leaving: NodeJS.Timeout | undefined;
  #failure: Error | undefined;

  constructor(options: MailboxOptions) {
    this.#options = options;
  }

  /** Whether it can be opened (again). */
  get isUsable(): boolean {
    return this.#state !== 'closed' && this.#failure === undefined;
  }

  /** Starts pulling; `onChange` is called when messages arrived, or pulling failed for good. */
  open(onChange: () => void): void {
    clearTimeout(this.#leaving);
    this.#onChange = onChange;
    this.#state = 'open';
    this.#fill();
  }

  /** Starts no further pull. What arrives is kept for the next {@link open}, and given back if none comes soon. */
  park(): void {
    if (this.#state !== 'open') return;
    this.#state = 'parked';
    this.#onChange = () => {};
    this.#leaving = setTimeout(() => this.leave(), parkedMs).unref();
  }

  /** As {@link park}, and gives back at once what its pulls still bring. */
  leave(): void {
    if (this.#state === 'closed') return;
    clearTimeout(this.#leaving);
    this.#state = 'left';
    this.#onChange = () => {};
    void this.#giveBackQuietly(this.take());
  }

  /** Cuts its pulls off and gives back what nobody took, so that the next collector has it at once. */
  async close(): Promise<void> {
    clearTimeout(this.#leaving);
    this.#state = 'closed';
    this.#onChange = () => {};
    for (const call of this.#calls) call.cancel?.();
    await this.#giveBackQuietly(this.take());
  }

  /**
   * What arrived since the last call; each is to be acked or given back.
   * @throws Error when pulling failed for good.
   */
  take(): Mail[] {
    if (this.#failure !== undefined && this.#state === 'open') throw this.#failure;
    const taken = this.#arrived;
    this.#arrived = [];
    return taken;
  }

  /** Says that the messages are done with. A lost ack means a second delivery, which the ledger recognises. */
  async ack(mail: readonly Mail[]): Promise<void> {
    const { subscriber, subscription } = this.#options;
    try {
      await Promise.all(
        chunksOf(mail).map((ackIds) => subscriber.acknowledge({ subscription, ackIds })),
      );
    } finally {
      this.#release(mail);
    }
  }

  /** Makes the messages available at once, to whoever pulls next. */
  async giveBack(mail: readonly Mail[]): Promise<void> {
    const { subscriber, subscription } = this.#options;
    try {
      await Promise.all(
        chunksOf(mail).map((ackIds) =>
          subscriber.modifyAckDeadline({ subscription, ackIds, ackDeadlineSeconds: 0 }),
        ),
      );
    } finally {
      this.#release(mail);
    }
  }

  /** Where giving back fails, the messages come back when their lease ends. */
  async #giveBackQuietly(mail: readonly Mail[]): Promise<void> {
    await this.giveBack(mail).catch(() => {});
  }

  /** Also of messages whose ack was lost: they come back by themselves and must not take up room for ever. */
  #release(mail: readonly Mail[]): void {
    this.#inHand.messages -= mail.length;
    for (const { data } of mail) this.#inHand.bytes -= data.length;
    this.#fill();
  }

  #hasRoom(): boolean {
    const { pulls, maxMessages, maxBytes } = this.#options;
    const onTheirWay = (this.#calls.size + 1) * maxMessagesPerPull;
    return (
      this.#calls.size < pulls &&
      this.#inHand.messages + onTheirWay <= maxMessages &&
      this.#inHand.bytes <= maxBytes
    );
  }

  #fill(): void {
    while (this.#state === 'open' && this.#failure === undefined && this.#hasRoom()) {
      const { subscriber, subscription } = this.#options;
      const call: PullCall = subscriber.pull(
        { subscription, maxMessages: maxMessagesPerPull },
        { timeout: pullTimeoutMs },
      );
      this.#calls.add(call);
      void this.#receive(call);
    }
  }

  async #receive(call: PullCall): Promise<void> {
    try {
      const mail = readMail(await call);
      this.#inHand.messages += mail.length;
      for (const { data } of mail) this.#inHand.bytes += data.length;
      if (this.#state === 'closed' || this.#state === 'left') await this.#giveBackQuietly(mail);
      else for (const message of mail) this.#arrived.push(message);
    } catch (error) {
      if (isPassing(error)) await pause(codeOf(error) === nothingCame ? 0 : retryPauseMs);
      else if (this.#state !== 'closed') this.#failure = this.#cannotPull(error);
    }
    this.#calls.delete(call);
    this.#fill();
    if (this.#arrived.length > 0 || this.#failure !== undefined) this.#onChange();
  }

  #cannotPull(cause: unknown): Error {
    const { code, details } = cause as { code?: number; details?: string };
    const message = `pull from ${this.#options.subscription}: ${details ?? String(cause)} (${code ?? 'no code'})`;
    return isDefinite(cause) ? new PullRefused(message, cause) : new Error(message, { cause });
  }
}

/** gRPC's DEADLINE_EXCEEDED: nothing came in {@link pullTimeoutMs}. */
const nothingCame = 4;
/** gRPC codes after which pulling goes on: besides, overload, an aborted call, a server that fails or restarts. */
const passingCodes = new Set([nothingCame, 8, 10, 13, 14]);

function codeOf(error: unknown): number {
  return (error as { code?: number }).code ?? -1;
}

function isPassing(error: unknown): boolean {
  return passingCodes.has(codeOf(error));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

type PullResponse = protos.google.pubsub.v1.IPullResponse;

function readMail(answer: unknown): Mail[] {
  const [response] = answer as [PullResponse];
  return (response.receivedMessages ?? []).map(({ ackId, message }) => ({
    ackId: ackId ?? '',
    data: (message?.data ?? new Uint8Array()) as Uint8Array,
    attributes: message?.attributes ?? {},
    publishedAtMs:
      Number(message?.publishTime?.seconds ?? 0) * 1_000 +
      (message?.publishTime?.nanos ?? 0) / 1_000_000,
  }));
}

/** Ack ids in requests that Pub/Sub accepts. */
function chunksOf(mail: readonly Mail[]): string[][] {
  const chunks: string[][] = [];
  let sizeBytes = maxAckRequestBytes;
  for (const { ackId } of mail) {
    if (sizeBytes + ackId.length > maxAckRequestBytes) {
      chunks.push([]);
      sizeBytes = 0;
    }
    chunks.at(-1)?.push(ackId);
    sizeBytes += ackId.length;
  }
  return chunks;
}
