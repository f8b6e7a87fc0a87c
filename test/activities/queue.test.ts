import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createCreateQueue } from '../../activities/create-queue.ts';
import { createDeleteQueue } from '../../activities/delete-queue.ts';
import { installationValue } from '../../domain/labels.ts';
import { queueNames } from '../../domain/names.ts';
import { createGoogleClients } from '../../workers/process/google-clients.ts';
import { startRpcProxy } from '../faults/rpc-proxy.ts';
import { closeWorld, inActivity, newActivity, newRun, openWorld } from './world.ts';
import type { World } from './world.ts';

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

const spec = { leaseDeadlineMs: 45_000 };

const createQueue = () =>
  createCreateQueue({ ...world.google, installation: '127.0.0.1:7233/default' });

async function subscription(name: string) {
  const path = `projects/${world.stack.project}/subscriptions/${name}`;
  const [found] = await world.google.subscriber.getSubscription({ subscription: path });
  return found;
}

async function namesLeft(run: string): Promise<string[]> {
  const project = `projects/${world.stack.project}`;
  const [topics] = await world.google.publisher.listTopics({ project });
  const [subscriptions] = await world.google.subscriber.listSubscriptions({ project });
  return [...topics, ...subscriptions]
    .map(({ name }) => name ?? '')
    .filter((name) => name.includes(run));
}

describe('createQueue', () => {
  for (const name of ['items', 'suspects'] as const) {
    it(`makes the subscription of ${name} as the run wants it`, async () => {
      const run = newRun(world.stack.bucket);
      await inActivity(createQueue(), { run, spec });
      const { deadItems, ...names } = queueNames(run.name);
      const found = await subscription(names[name]);
      equal(found.retryPolicy, null);
      equal(found.ackDeadlineSeconds, 45);
      equal(found.enableMessageOrdering, false);
      match(found.deadLetterPolicy?.deadLetterTopic ?? '', new RegExp(`/topics/${deadItems}$`));
      equal(found.deadLetterPolicy?.maxDeliveryAttempts, 100);
      equal(String(found.expirationPolicy?.ttl?.seconds), String(31 * 24 * 3600));
      const { 'spotloop-created': created, ...labels } = found.labels ?? {};
      ok(Math.abs(Number(created) - Date.now() / 1000) < 60, created);
      deepEqual(labels, {
        'spotloop-installation': installationValue('127.0.0.1:7233/default'),
        'spotloop-run': run.name,
        'spotloop-workflow-0': run.workflowId,
      });
    });
  }

  it('makes a queue that counts deliveries', async () => {
    const run = newRun(world.stack.bucket);
    await inActivity(createQueue(), { run, spec });
    const { items } = queueNames(run.name);
    const project = `projects/${world.stack.project}`;
    await world.google.publisher.publish({
      topic: `${project}/topics/${items}`,
      messages: [{ data: Buffer.from('x') }],
    });
    const pull = async () => {
      const [{ receivedMessages = [] }] = await world.google.subscriber.pull({
        subscription: `${project}/subscriptions/${items}`,
        maxMessages: 1,
      });
      return receivedMessages?.[0];
    };
    const first = await pull();
    equal(first?.deliveryAttempt, 1);
    await world.google.subscriber.modifyAckDeadline({
      subscription: `${project}/subscriptions/${items}`,
      ackIds: [first?.ackId ?? ''],
      ackDeadlineSeconds: 0,
    });
    equal((await pull())?.deliveryAttempt, 2);
  });

  it('succeeds again, and where an attempt that died left half of it', async () => {
    const run = newRun(world.stack.bucket);
    const { outcomes } = queueNames(run.name);
    await world.google.publisher.createTopic({
      name: `projects/${world.stack.project}/topics/${outcomes}`,
    });
    await inActivity(createQueue(), { run, spec });
    await inActivity(createQueue(), { run, spec });
    equal((await namesLeft(run.name)).length, 8);
  });
});

describe('createQueue of a cancelled run', () => {
  it('waits for a call under way no longer than that has time, and makes nothing more', async () => {
    const proxy = await startRpcProxy(world.stack.pubsubHost);
    const run = newRun(world.stack.bucket);
    const { outcomes } = queueNames(run.name);
    const { reached, end } = proxy.inject(
      { method: 'CreateTopic', resource: new RegExp(`${outcomes}$`) },
      'hold',
    );
    process.env['PUBSUB_EMULATOR_HOST'] = proxy.host;
    const google = await createGoogleClients({ projectId: world.stack.project });
    Object.assign(process.env, world.stack.env);
    const activity = newActivity();
    const deps = { ...google, installation: '127.0.0.1:7233/default' };
    const creating = activity.run(createCreateQueue(deps), { run, spec });
    await reached;
    activity.cancel();
    await rejects(creating, { name: 'CancelledFailure' });
    const { items, suspects, deadItems } = queueNames(run.name);
    const left = (await namesLeft(run.name)).map((name) => name.split('/').slice(2).join('/'));
    deepEqual(
      left.toSorted(),
      [deadItems, items, suspects].map((name) => `topics/${name}`),
    );
    end();
    await google.close();
    await proxy.stop();
  });
});

describe('deleteQueue', () => {
  it('deletes all that was created, and succeeds again', async () => {
    const run = newRun(world.stack.bucket);
    await inActivity(createQueue(), { run, spec });
    await inActivity(createDeleteQueue(world.google), { run });
    deepEqual(await namesLeft(run.name), []);
    await inActivity(createDeleteQueue(world.google), { run });
  });

  it('deletes the rest when one part of it fails, and names that', async () => {
    const run = newRun(world.stack.bucket);
    await inActivity(createQueue(), { run, spec });
    const { items } = queueNames(run.name);
    const subscriber = new Proxy(world.google.subscriber, {
      get(target, name) {
        if (name !== 'deleteSubscription') return Reflect.get(target, name) as unknown;
        return async (request: { subscription: string }) => {
          if (request.subscription.endsWith(items)) throw new Error('connection lost');
          return target.deleteSubscription(request);
        };
      },
    });
    const deleteQueue = createDeleteQueue({ ...world.google, subscriber });
    await rejects(
      inActivity(deleteQueue, { run }),
      new RegExp(`subscription ${items}: connection lost`),
    );
    deepEqual(await namesLeft(run.name), [
      `projects/${world.stack.project}/subscriptions/${items}`,
    ]);
    await inActivity(createDeleteQueue(world.google), { run });
  });
});
