import pRetry from 'p-retry';
import type { Assignment } from '../../domain/assignment.ts';
import type { GoogleClients } from '../process/google-clients.ts';
import { MisconfiguredError } from '../process/environment.ts';
import { codeOf, isHopeless, isUnimplemented, messageOf } from './remote-errors.ts';

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
    () => checkTopic(clients, assignment.outcomesTopic),
    () => checkBucket(clients, assignment.bucket),
  ];
  const problems = await Promise.all(checks.map((check) => pRetry(check, { ...tries }))).catch(
    (cause: unknown) => {
      throw new Error(
        `ask for the downloader's rights: ${messageOf(cause)} — check that Pub/Sub and Cloud Storage can be reached`,
        { cause },
      );
    },
  );
  const missing = problems.filter((problem) => problem !== null);
  if (missing.length > 0) throw new MisconfiguredError(missing.join('; '));
}

/** Null when all is well or can't be known here; the emulator knows no permissions. */
async function checkTopic(clients: GoogleClients, name: string): Promise<string | null> {
  const resource = `projects/${clients.projectId}/topics/${name}`;
  try {
    const [{ permissions }] = await clients.publisher.testIamPermissions(
      // Its types want an instance of the message class, which it makes itself of a plain object.
      { resource, permissions: [publishRight] } as IamRequest,
      { timeout: callTimeoutMs, retry: null },
    );
    if (permissions?.includes(publishRight)) return null;
    return `publish to topic ${name}: forbidden — grant the downloader roles/pubsub.publisher on it`;
  } catch (error) {
    if (isUnimplemented(error)) return null;
    if (!isHopeless(error)) throw error;
    return `publish to topic ${name}: ${messageOf(error)}`;
  }
}

async function checkBucket(clients: GoogleClients, name: string): Promise<string | null> {
  const bucket = clients.storage.bucket(name);
  const absent = `store in bucket ${name}: no such bucket — create it, or correct the run's destination`;
  try {
    const [granted] = await bucket.iam.testPermissions(bucketRights);
    const lacking = bucketRights.filter((right) => granted[right] !== true);
    if (lacking.length === 0) return null;
    return `store in bucket ${name}: lacks ${lacking.join(' and ')} — grant the downloader roles/storage.objectUser on it`;
  } catch (error) {
    if (codeOf(error) !== httpNotFound) throw error;
    // Either the bucket is missing, or a storage server that knows no permissions.
    const [exists] = await bucket.exists();
    return exists ? null : absent;
  }
}
