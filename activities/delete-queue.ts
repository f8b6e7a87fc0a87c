import type { v1 } from '@google-cloud/pubsub';
import { queueNames } from '../domain/names.ts';
import type { RunRef } from '../domain/names.ts';
import { describeError, grpc, statusOf } from './cloud-error.ts';

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
    const failures = (await Promise.allSettled(deletions)).flatMap((result) =>
      result.status === 'rejected' ? [result.reason as Error] : [],
    );
    if (failures.length > 0) {
      throw new Error(failures.map(({ message }) => message).join('\n'), {
        cause: failures[0],
      });
    }
  };
}

async function remove(what: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (statusOf(error) === grpc.notFound) return;
    throw new Error(
      `delete ${what}: ${describeError(error)} — it is tried again; otherwise delete it by hand`,
      { cause: error },
    );
  }
}
