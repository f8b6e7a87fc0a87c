import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { watchFolderSize } from '../../../../workers/downloader/tasks/watch-folder-size.ts';

const maxSizeBytes = 1_000;

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'spotloop-watch-'));
});
after(() => rm(root, { recursive: true, force: true }));

async function folderWith(...sizes: readonly number[]): Promise<string> {
  const folder = await mkdtemp(join(root, 'attempt-'));
  await Promise.all(sizes.map((size, at) => writeFile(join(folder, `${at}`), Buffer.alloc(size))));
  return folder;
}

describe('the watch over staged files', () => {
  it('lets parts lie beside the file they are merged into, and stops what is larger', async () => {
    const never = new AbortController().signal;
    const watchOf = async (...sizes: readonly number[]) =>
      watchFolderSize(await folderWith(...sizes), maxSizeBytes, never);
    const merging = await watchOf(700, 300, 1_000);
    const tooLarge = await watchOf(1_001);
    const tooMany = await watchOf(700, 700, 700);
    await Promise.all([tooLarge, tooMany].map(({ signal }) => once(signal, 'abort')));
    assert.deepEqual(
      [merging, tooLarge, tooMany].map((watch) => watch.isTooLarge()),
      [false, true, true],
    );
    for (const watch of [merging, tooLarge, tooMany]) watch.stop();
  });
});
