import { deepEqual, doesNotMatch, equal, match, rejects } from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { json } from 'node:stream/consumers';
import { createNotify } from '../../activities/notify.ts';
import type { Notice } from '../../domain/notice.ts';
import { uniqueName } from '../support/unique-name.ts';
import { closeWorld, failureOf, inActivity, openWorld } from './world.ts';
import type { World } from './world.ts';

const notice: Notice = {
  run: 'nightly-4f1c0a9b27d3',
  workflowId: 'nightly',
  ending: { kind: 'failed', type: 'TooManyFailures', message: '90 % of 500 failed' },
  total: 10,
  stored: 1,
  skipped: 2,
  failed: 3,
  quarantined: 0,
  gone: 0,
  storedBytes: 17,
  duplicates: 0,
  blankLines: 0,
  seconds: 3.5,
  runFolder: 'gs://b-1/.spotloop/nightly-4f1c0a9b27d3/',
  startedAt: '2026-11-25T07:00:00.000Z',
  endedAt: '2026-11-25T07:00:03.500Z',
};

let world: World;
before(async () => {
  world = await openWorld();
});
after(() => closeWorld(world));

/** Tells a web server that answers so; gives back what it was told. */
async function tellServer(status: number, then?: (told: Promise<void>) => Promise<unknown>) {
  const heard: { method?: string; type?: string; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const { method, headers } = request;
    heard.push({ method, type: headers['content-type'], body: await json(request) });
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  try {
    const { port } = server.address() as AddressInfo;
    const place = `http://127.0.0.1:${port}/hooks/secret`;
    const told = inActivity(createNotify(world.google), { place, notice });
    await (then === undefined ? told : then(told));
    return heard;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('notify', () => {
  it('publishes to a topic, with what subscriptions filter by', async () => {
    const { publisher, subscriber, projectId } = world.google;
    const name = uniqueName('ends');
    const topic = `projects/${projectId}/topics/${name}`;
    const subscription = `projects/${projectId}/subscriptions/${name}`;
    await publisher.createTopic({ name: topic });
    await subscriber.createSubscription({ name: subscription, topic });
    await inActivity(createNotify(world.google), { place: topic, notice });
    const [{ receivedMessages }] = await subscriber.pull({ subscription, maxMessages: 10 });
    const messages = (receivedMessages ?? []).map(({ message }) => message);
    equal(messages.length, 1);
    deepEqual(messages[0]?.attributes, { ending: 'failed', workflowId: 'nightly' });
    deepEqual(JSON.parse(String(messages[0]?.data)), notice);
  });

  it('posts JSON to a web address', async () => {
    const [heard] = await tellServer(204);
    deepEqual(heard, { method: 'POST', type: 'application/json', body: notice });
  });

  for (const status of [408, 429, 500, 503]) {
    it(`is tried again when the address answers ${status}`, async () => {
      await tellServer(status, (told) => rejects(told, { name: 'Error', message: /HTTP \d{3}$/ }));
    });
  }

  for (const status of [400, 404, 410]) {
    it(`gives up when the address answers ${status}, and keeps its path to itself`, async () => {
      await tellServer(status, async (told) => {
        const message = await failureOf('StepFailed', told);
        match(message, new RegExp(`^notify 127.0.0.1:\\d+: HTTP ${status}$`));
        doesNotMatch(message, /secret/);
      });
    });
  }

  it('gives up when there is no such topic, and says what to do', async () => {
    const place = `projects/${world.google.projectId}/topics/${uniqueName('none')}`;
    const told = inActivity(createNotify(world.google), { place, notice });
    match(
      await failureOf('StepFailed', told),
      /^notify projects\/.*: not found — create the topic/,
    );
  });

  it('is tried again when nobody answers', async () => {
    const place = 'http://127.0.0.1:1/hooks/secret';
    const told = inActivity(createNotify(world.google), { place, notice });
    await rejects(told, { name: 'Error', message: /^notify 127\.0\.0\.1:1: .*tried again$/ });
  });
});
