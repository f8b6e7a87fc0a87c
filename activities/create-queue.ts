import { Context } from '@temporalio/activity';
import type { v1 } from '@google-cloud/pubsub';
import { queueLabels } from '../domain/labels.ts';
import { queueNames } from '../domain/names.ts';
import type { RunRef } from '../domain/names.ts';
import type { RunSpec } from '../domain/run-spec.ts';
import { grpc, statusOf } from './cloud-error.ts';
import { stepError } from './run-failure.ts';

export type CreateQueueDeps = {
  readonly publisher: v1.PublisherClient;
  readonly subscriber: v1.SubscriberClient;
  readonly projectId: string;
  /** Temporal's address and namespace: whose resources these are. */
  readonly installation: string;
};

export type CreateQueueInput = {
  readonly run: RunRef;
  readonly spec: Pick<RunSpec, 'leaseDeadlineMs'>;
};

const day = 24 * 60 * 60;

/** The longest that Pub/Sub keeps a message, and after which it drops a subscription that nobody uses. */
const longest = { seconds: 31 * day };

/** Google's emulator (0.8.20) still refuses to keep messages for longer than Pub/Sub did before. */
const longestInEmulator = { seconds: 7 * day };

/** The most that Pub/Sub allows: `maxDeaths` ends an item long before; this is only the backstop (I7). */
const maxDeliveryAttempts = 100;

/**
 * A collector pulls, writes the ledger and acks within a second or two. What its death leaves unacked comes back
 * after this; an ack that comes later only means a duplicate, which the ledger's bit set drops.
 */
export const collectorDeadlineSeconds = 20;

/** Creating takes Pub/Sub some seconds at most. The client alone would wait for a minute, and a cancelled run with it. */
const callOptions = { timeout: 15_000 };

/**
 * Creates a run's topics and subscriptions; those that exist already are left as they are.
 * The names are the run's alone, so whatever exists under them is of an earlier attempt of this step. When it is cancelled it
 * waits for the calls under way, and starts no other: what came to be after the clean-up would stay.
 */
export function createCreateQueue(deps: CreateQueueDeps) {
  return async function createQueue({ run, spec }: CreateQueueInput): Promise<void> {
    const { publisher, subscriber, projectId } = deps;
    const { cancellationSignal: signal } = Context.current();
    const names = queueNames(run.name);
    const labels = queueLabels(deps.installation, run, Date.now());
    const topicPath = (name: string) => `projects/${projectId}/topics/${name}`;

    const createTopic = (name: string) =>
      create(`topic ${name}`, () =>
        publisher.createTopic({ name: topicPath(name), labels }, callOptions),
      );
    await allEnded(Object.values(names).map(createTopic), signal);

    const createSubscription = (name: string, options: object) =>
      create(`subscription ${name}`, async () => {
        const request = {
          name: `projects/${projectId}/subscriptions/${name}`,
          topic: topicPath(name),
          labels,
          messageRetentionDuration: longest,
          expirationPolicy: { ttl: longest },
          ...options,
        };
        try {
          await subscriber.createSubscription(request, callOptions);
        } catch (error) {
          if (!isRetentionRefused(error)) throw error;
          const lesser = { ...request, messageRetentionDuration: longestInEmulator };
          await subscriber.createSubscription(lesser, callOptions);
        }
      });
    // Without a retry policy: a dead downloader's lease is pause enough, and with one the emulator stops delivering for minutes
    // when many leases end.
    const ofItems = {
      ackDeadlineSeconds: Math.round(spec.leaseDeadlineMs / 1000),
      deadLetterPolicy: { deadLetterTopic: topicPath(names.deadItems), maxDeliveryAttempts },
    };
    await allEnded(
      [
        createSubscription(names.items, ofItems),
        createSubscription(names.suspects, ofItems),
        createSubscription(names.deadItems, { ackDeadlineSeconds: collectorDeadlineSeconds }),
        createSubscription(names.outcomes, { ackDeadlineSeconds: collectorDeadlineSeconds }),
      ],
      signal,
    );
  };
}

/** Resolves when none is under way any more; rejects as one of them did, or when the step is cancelled. */
async function allEnded(calls: readonly Promise<void>[], signal: AbortSignal): Promise<void> {
  await Promise.allSettled(calls);
  signal.throwIfAborted();
  await Promise.all(calls);
}

async function create(what: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (statusOf(error) === grpc.alreadyExists) return;
    throw stepError(
      `create ${what}`,
      error,
      "give the Temporal worker's account the role Pub/Sub Editor on the project",
    );
  }
}

function isRetentionRefused(error: unknown): boolean {
  return (
    statusOf(error) === grpc.invalidArgument &&
    error instanceof Error &&
    error.message.includes('message_retention_duration')
  );
}
