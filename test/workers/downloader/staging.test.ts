import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openStaging } from '../../../workers/downloader/staging.ts';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'spotloop-staging-'));
});
after(() => rm(root, { recursive: true, force: true }));

describe('staging', () => {
  it('removes what the dead and its own predecessor left, and nothing else', async () => {
    const dead = spawn('true');
    await once(dead, 'exit');
    const names = [
      `downloader-${dead.pid}-a`,
      `downloader-${process.pid}-b`,
      `downloader-${process.ppid}-c`,
      'somebody-elses',
    ];
    for (const name of names) {
      await mkdir(join(root, name));
      await writeFile(join(root, name, 'file'), 'x');
    }
    const staging = await openStaging(root, process.pid);
    const left = await readdir(root);
    assert.ok(!left.includes(names[0]!) && !left.includes(names[1]!));
    assert.ok(left.includes(names[2]!) && left.includes(names[3]!));
    await staging.close();
    assert.deepEqual(new Set(await readdir(root)), new Set([names[2], names[3]]));
  });

  it('gives each attempt a folder of its own that is gone afterwards, also after an error', async () => {
    const staging = await openStaging(root, process.pid);
    const seen: string[] = [];
    const use = (fails: boolean) =>
      staging.withFolder(async (folder) => {
        seen.push(folder);
        await writeFile(join(folder, 'file'), 'x');
        if (fails) throw new Error('failed');
      });
    await use(false);
    await assert.rejects(use(true), /failed/);
    assert.notEqual(seen[0], seen[1]);
    for (const folder of seen) await assert.rejects(readdir(folder), /ENOENT/);
    await staging.close();
  });
});
