import type { v1 } from '@google-cloud/pubsub';
import { queueNames } from '../domain/names.ts';
import type { RunRef } from '../domain/names.ts';
import { describeError, grpc, isDefinite, statusOf } from './cloud-error.ts';
import { runFailure } from './run-failure.ts';
import { failureTypes } from '../domain/failure-types.ts';

export type DeleteQueueDeps = {
  readonly publisher: v1.PublisherClient;
  readonly subscriber: v1.SubscriberClient;
  readonly projectId: string;
};

export type DeleteQueueInput = { readonly run: RunRef };

/**
 * Deletes a run's subscriptions and topics; absent is deleted.
 * @throws Error that names all that are left, after every one was tried.
 */
export function createDeleteQueue(deps: DeleteQueueDeps) {
  return async function deleteQueue({ run }: DeleteQueueInput): Promise<void> {
    const { publisher, subscriber, projectId } = deps;
    const deletions = Object.values(queueNames(run.name)).flatMap((name) => [
      remove(`subscription ${name}`, () =>
        subscriber.deleteSubscription({
          subscription: `projects/${projectId}/subscriptions/${name}`,
        }),
      ),
      remove(`topic ${name}`, () =>
        publisher.deleteTopic({ topic: `projects/${projectId}/topics/${name}` }),
      ),
    ]);
    const refusals = (await Promise.allSettled(deletions)).flatMap((result) =>
      result.status === 'rejected' ? [result.reason as Refusal] : [],
    );
    if (refusals.length === 0) return;
    const message = refusals
      .map(({ what, error }) => `${what}: ${describeError(error)}`)
      .join('\n');
    const cause = refusals[0]?.error;
    if (refusals.every(({ error }) => isDefinite(error))) {
      throw runFailure(
        failureTypes.StepFailed,
        `delete the queue of run ${run.name}: refused — delete by hand, or give the Temporal worker's account the role Pub/Sub Editor\n${message}`,
        cause,
      );
    }
    throw new Error(`delete the queue of run ${run.name}: it is tried again\n${message}`, {
      cause,
    });
  };
}

type Refusal = { readonly what: string; readonly error: unknown };

/** Rejects with a {@link Refusal}. */
async function remove(what: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (statusOf(error) !== grpc.notFound) throw Object.assign(new Error(what), { what, error });
  }
}
