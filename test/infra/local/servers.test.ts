import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PubSub } from '@google-cloud/pubsub';
import { Connection } from '@temporalio/client';
import { startPubsubEmulator } from '../../../infra/local/pubsub-emulator.ts';
import { startTemporalServer } from '../../../infra/local/temporal-server.ts';

const root = mkdtempSync(join(tmpdir(), 'spotloop-servers-'));
after(() => rmSync(root, { recursive: true }));

test('the Pub/Sub emulator takes a topic as soon as it has started', async () => {
  const emulator = await startPubsubEmulator({ logFolder: root });
  const client = new PubSub({
    projectId: 'test',
    apiEndpoint: emulator.host,
    emulatorMode: true,
  });
  try {
    const [topic] = await client.createTopic('one');
    assert.equal(topic.name, 'projects/test/topics/one');
  } finally {
    await client.close();
    await emulator.stop();
  }
});

test('the Temporal server has its namespace and Web UI as soon as it has started', async () => {
  const server = await startTemporalServer({
    logFolder: root,
    databaseFile: join(root, 'deep', 'temporal.db'),
    namespace: 'ours',
  });
  try {
    const connection = await Connection.connect({ address: server.address });
    const { namespaceInfo } = await connection.workflowService.describeNamespace({
      namespace: server.namespace,
    });
    assert.equal(namespaceInfo?.name, 'ours');
    await connection.close();
    assert.equal((await fetch(`${server.uiAddress}/namespaces/ours/workflows`)).status, 200);
  } finally {
    await server.stop();
  }
});
