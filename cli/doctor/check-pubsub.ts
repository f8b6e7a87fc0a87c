import { randomUUID } from 'node:crypto';
import { grpc, statusOf } from '../../activities/cloud-error.ts';
import { PubSub } from '@google-cloud/pubsub';
import { createGoogleClients } from '../../workers/process/google-clients.ts';
import type { GoogleClients } from '../../workers/process/google-clients.ts';
import { isNobodySignedIn, ok, reasonOf, signIn, wrong } from './finding.ts';
import type { Finding } from './finding.ts';

/** Pub/Sub answers in a second; a topic may take some. */
const callOptions = { timeout: 10_000 };
/** Should we die before we delete it, Pub/Sub does. A day is the least that it takes. */
const expirationSeconds = 24 * 60 * 60;

/**
 * What a run does, once and small: a topic, a subscription whose deliveries are counted, a message there and back, all of it
 * deleted again. Asking for rights instead would need a right of its own, and the emulator does not answer.
 */
export async function checkPubsub(projectId: string | undefined): Promise<readonly Finding[]> {
  if (projectId === undefined || projectId === '') {
    return [
      wrong(
        'pubsub',
        'find the Google Cloud project of topics and subscriptions: none is named',
        'set GOOGLE_CLOUD_PROJECT, or give --project',
      ),
    ];
  }
  if (process.env['PUBSUB_EMULATOR_HOST'] === undefined) {
    // Its clients end the process when nobody is signed in: a promise of theirs rejects that nobody has.
    try {
      await new PubSub({ projectId }).auth.getClient();
    } catch (error) {
      const mend = isNobodySignedIn(error) ? signIn : `correct the credentials, or ${signIn}`;
      return [wrong('pubsub', `sign in to Google Cloud: ${reasonOf(error)}`, mend)];
    }
  }
  const google = await createGoogleClients({ projectId });
  try {
    const tried = await tryQueue(google);
    return tried.length > 0
      ? tried
      : [ok('pubsub', `project ${projectId}: a message was published, pulled and acknowledged`)];
  } finally {
    await google.close();
  }
}

async function tryQueue({ projectId, publisher, subscriber }: GoogleClients): Promise<Finding[]> {
  const id = `spotloop-doctor-${randomUUID()}`;
  const topic = `projects/${projectId}/topics/${id}`;
  const subscription = `projects/${projectId}/subscriptions/${id}`;
  const created: (readonly [doing: string, remove: () => Promise<unknown>])[] = [];
  const findings: Finding[] = [];
  const attempt = async (doing: string, call: () => Promise<unknown>): Promise<boolean> => {
    try {
      await call();
      return true;
    } catch (error) {
      findings.push(wrong('pubsub', `${doing}: ${reasonOf(error)}`, mendOf(error, projectId)));
      return false;
    }
  };
  const steps: (readonly [doing: string, call: () => Promise<unknown>])[] = [
    [
      `create topic ${id} in project ${projectId}`,
      async () => {
        await publisher.createTopic({ name: topic }, callOptions);
        created.push([`delete topic ${id}`, () => publisher.deleteTopic({ topic }, callOptions)]);
      },
    ],
    [
      `create subscription ${id} in project ${projectId}`,
      async () => {
        await subscriber.createSubscription(
          {
            name: subscription,
            topic,
            expirationPolicy: { ttl: { seconds: expirationSeconds } },
            deadLetterPolicy: { deadLetterTopic: topic, maxDeliveryAttempts: 5 },
          },
          callOptions,
        );
        created.push([
          `delete subscription ${id}`,
          () => subscriber.deleteSubscription({ subscription }, callOptions),
        ]);
      },
    ],
    [
      `publish to topic ${id}`,
      () => publisher.publish({ topic, messages: [{ data: Buffer.from(id) }] }, callOptions),
    ],
    [
      `pull from subscription ${id}`,
      async () => {
        const [{ receivedMessages }] = await subscriber.pull(
          { subscription, maxMessages: 1 },
          callOptions,
        );
        const ackIds = (receivedMessages ?? []).map(({ ackId }) => ackId ?? '');
        // An empty pull proves nothing; the right to pull was there.
        if (ackIds.length > 0) await subscriber.acknowledge({ subscription, ackIds }, callOptions);
      },
    ],
  ];
  for (const [doing, call] of steps) if (!(await attempt(doing, call))) break;
  for (const [doing, remove] of created.toReversed()) await attempt(doing, remove);
  return findings;
}

function mendOf(error: unknown, projectId: string): string {
  const emulator = process.env['PUBSUB_EMULATOR_HOST'];
  switch (statusOf(error)) {
    case grpc.permissionDenied:
      return `give the account that runs this the role Pub/Sub Editor on project ${projectId}`;
    case grpc.notFound:
      return `correct GOOGLE_CLOUD_PROJECT, or switch on its API: gcloud services enable pubsub.googleapis.com --project ${projectId}`;
    case grpc.unauthenticated:
      return signIn;
  }
  return emulator === undefined
    ? 'check that pubsub.googleapis.com can be reached from here'
    : `start the emulator at ${emulator}, or unset PUBSUB_EMULATOR_HOST`;
}
