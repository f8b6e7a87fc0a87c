import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createStore } from '../../../workers/downloader/store.ts';
import { uniqueName } from '../../support/unique-name.ts';
import { createWorld } from './world.ts';
import type { World } from './world.ts';

/** Few enough uploads at a time for parts of 8 MiB, so that one is refused while its first part is still being handed over. */
const concurrency = 4;
const bodyBytes = 12 * 1024 * 1024;

let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.stop());

describe('storing a staged file', () => {
  it('closes the file when its upload is refused, for an open one keeps its disk space', async () => {
    const path = join(world.stack.folder, uniqueName('staged'));
    await writeFile(path, Buffer.alloc(bodyBytes, 1));
    const content = createReadStream(path);
    const store = createStore({
      // Refused before the first part is sent.
      bucket: world.clients.storage.bucket(uniqueName('no-such-bucket')),
      run: 'run',
      prefix: '',
      extension: 'bin',
      maxSizeBytes: 2 * bodyBytes,
      concurrency,
    });
    const item = { index: 0, key: 'a', deaths: 0 };
    await assert.rejects(store.put(item, { content, signal: AbortSignal.timeout(60_000) }));
    // Closing takes a turn of the event loop or two; a file that stays open never gets there.
    while (!content.closed) await sleep(10);
    assert.ok(content.bytesRead < bodyBytes, 'it was refused early');
  });
});
