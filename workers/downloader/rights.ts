import pRetry from 'p-retry';
import type { Assignment } from '../../domain/assignment.ts';
import type { GoogleClients } from '../process/google-clients.ts';
import { MisconfiguredError } from '../process/environment.ts';
import { codeOf, isHopeless, isNotFound, isUnimplemented, messageOf } from './remote-errors.ts';

type IamRequest = Parameters<GoogleClients['publisher']['testIamPermissions']>[0];

/** What the downloader's own identity must be allowed to do. Pulling is seen at the first pull. */
const publishRight = 'pubsub.topics.publish';
const bucketRights = ['storage.objects.create', 'storage.objects.get'];

/** Some seconds, for grants and new topics are not known everywhere at once; then the Job shall say what is wrong. */
const tries = { retries: 3, minTimeout: 500, factor: 2, randomize: true } as const;

/** A service that is down for longer than this at start is for the Job to retry. */
const callTimeoutMs = 5_000;

const httpNotFound = 404;

/**
 * Asks once whether this identity may publish and store: it is another one than the workflow's, which checked only
 * its own.
 * @throws MisconfiguredError in one line that names everything missing; Error when a service can't be asked.
 */
export async function checkRights(clients: GoogleClients, assignment: Assignment): Promise<void> {
  const checks = [
    () => checkTopic(clients, assignment.itemsTopic),
    () => checkTopic(clients, assignment.suspectsTopic),
    () => checkTopic(clients, assignment.outcomesTopic),
    () => checkBucket(clients, assignment.bucket),
  ];
  const results = await Promise.allSettled(checks.map((check) => pRetry(check, tries)));
  const errors = results.flatMap((result): unknown[] =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  const lacking = errors.filter((error) => error instanceof MisconfiguredError);
  if (lacking.length > 0) {
    throw new MisconfiguredError(lacking.map(messageOf).join('; '), { cause: lacking[0] });
  }
  if (errors.length > 0) {
    throw new Error(
      `ask for the downloader's rights: ${messageOf(errors[0])} — check that Pub/Sub and Cloud Storage can be reached`,
      { cause: errors[0] },
    );
  }
}

/** Passes also when it can't be known here: the emulator knows no permissions, and a missing topic has none yet. */
async function checkTopic(clients: GoogleClients, name: string): Promise<void> {
  const resource = `projects/${clients.projectId}/topics/${name}`;
  const granted = await grantedOn().catch((error: unknown) => {
    if (isUnimplemented(error) || isNotFound(error)) return [publishRight];
    if (!isHopeless(error)) throw error;
    throw new MisconfiguredError(`publish to topic ${name}: ${messageOf(error)}`, { cause: error });
  });
  if (!granted.includes(publishRight)) {
    throw new MisconfiguredError(
      `publish to topic ${name}: forbidden — grant the downloader roles/pubsub.publisher on it`,
    );
  }

  async function grantedOn(): Promise<readonly string[]> {
    const [{ permissions }] = await clients.publisher.testIamPermissions(
      // Its types want an instance of the message class, which it makes itself of a plain object.
      { resource, permissions: [publishRight] } as IamRequest,
      { timeout: callTimeoutMs, retry: null },
    );
    return permissions ?? [];
  }
}

async function checkBucket(clients: GoogleClients, name: string): Promise<void> {
  const bucket = clients.storage.bucket(name);
  const granted = await bucket.iam.testPermissions(bucketRights).then(
    ([rights]) => rights,
    async (error: unknown) => {
      if (codeOf(error) !== httpNotFound) throw error;
      // Either the bucket is missing, or a storage server that knows no permissions.
      const [exists] = await bucket.exists();
      if (exists) return null;
      throw new MisconfiguredError(
        `store in bucket ${name}: no such bucket — create it, or correct the run's destination`,
        { cause: error },
      );
    },
  );
  const lacking = granted === null ? [] : bucketRights.filter((right) => granted[right] !== true);
  if (lacking.length === 0) return;
  throw new MisconfiguredError(
    `store in bucket ${name}: lacks ${lacking.join(' and ')} — grant the downloader roles/storage.objectUser on it`,
  );
}
