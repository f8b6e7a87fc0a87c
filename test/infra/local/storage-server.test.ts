import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Storage } from '@google-cloud/storage';
import { startStorageServer } from '../../../infra/local/storage-server.ts';

const root = mkdtempSync(join(tmpdir(), 'spotloop-storage-'));
after(() => rmSync(root, { recursive: true }));

const bucketName = 'spotloop-local';
const options = { logFolder: root, folder: join(root, 'buckets'), buckets: [bucketName] };
const createOnly = { preconditionOpts: { ifGenerationMatch: 0 } };

for (const resumable of [false, true]) {
  const kind = resumable ? 'resumable' : 'multipart';
  test(`a ${kind} upload is a file to open, is create-only and outlives a restart`, async () => {
    const name = `videos/${kind}.mp4`;
    const metadata = { contentType: 'video/mp4', metadata: { run: 'r1', index: '7' } };
    const first = await startStorageServer(options);
    try {
      const storage = new Storage({ projectId: 'test', apiEndpoint: first.endpoint });
      const file = storage.bucket(bucketName).file(name);
      await file.save('first', { resumable, metadata, ...createOnly });
      await assert.rejects(file.save('second', { resumable, ...createOnly }), { code: 412 });
    } finally {
      await first.stop();
    }
    assert.equal(await readFile(join(options.folder, bucketName, name), 'utf8'), 'first');

    const second = await startStorageServer(options);
    try {
      const storage = new Storage({ projectId: 'test', apiEndpoint: second.endpoint });
      const [kept] = await storage.bucket(bucketName).file(name).getMetadata();
      assert.deepEqual(kept.metadata, { run: 'r1', index: '7' });
      assert.equal(Number(kept.size), 5);
    } finally {
      await second.stop();
    }
  });
}

test('of twenty writers with the same generation one wins', async () => {
  const server = await startStorageServer(options);
  try {
    const storage = new Storage({ projectId: 'test', apiEndpoint: server.endpoint });
    const file = storage.bucket(bucketName).file('head.json');
    await file.save('0', { resumable: false });
    const [{ generation }] = await file.getMetadata();
    const writes = Array.from({ length: 20 }, (_, index) =>
      file.save(String(index), {
        resumable: false,
        preconditionOpts: { ifGenerationMatch: Number(generation) },
      }),
    );
    const results = await Promise.allSettled(writes);
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  } finally {
    await server.stop();
  }
});

test('a bucket that the server refuses is an error that names it', async () => {
  const refused = startStorageServer({ ...options, buckets: ['x'] });
  await assert.rejects(refused, /create bucket x on http.*400/);
});
