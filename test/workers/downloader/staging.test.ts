import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openStaging } from '../../../workers/downloader/staging.ts';
import { createLog } from '../../../workers/process/log.ts';

const log = createLog({ level: 'fatal', fields: {} });

let root: string;
const others: { kill(): Promise<void> }[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spotloop-staging-'));
});
afterEach(async () => {
  await Promise.all(others.splice(0).map((other) => other.kill()));
  await rm(root, { recursive: true, force: true });
});

const stagingFile = new URL('../../../workers/downloader/staging.ts', import.meta.url).href;

/** Another downloader's staging, in a process of its own that lives until it is killed; its folder is in `root`. */
async function another() {
  const before = new Set(await readdir(root));
  const script = `
    const { openStaging } = await import(${JSON.stringify(stagingFile)});
    const staging = await openStaging(${JSON.stringify(root)}, undefined);
    await staging.withFolder(async (folder) => {
      const { mkdirSync, writeFileSync } = await import('node:fs');
      mkdirSync(folder + '/deep');
      writeFileSync(folder + '/deep/file', 'x');
      console.log('staged');
      setInterval(() => {}, 60_000);
      await new Promise(() => {});
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const [name] = (await readdir(root)).filter((one) => !before.has(one));
  const ended = once(child, 'exit');
  const other = {
    name: name!,
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
  others.push(other);
  return other;
}

describe('staging', () => {
  it('removes what a downloader left that was killed, and nothing of one that lives', async () => {
    const [dead, living] = [await another(), await another()];
    await dead.kill();
    await writeFile(join(root, 'somebody-elses'), 'x');
    const staging = await openStaging(root, log);
    await staging.removeDead();
    const left = await readdir(root, { recursive: true });
    assert.ok(!left.includes(dead.name), 'the dead is gone');
    assert.ok(left.includes(join(living.name, 'owner')));
    assert.ok(left.some((path) => path.startsWith(living.name) && path.endsWith('deep/file')));
    await staging.close();
    assert.deepEqual(
      new Set(await readdir(root)),
      new Set([living.name, 'somebody-elses']),
      'its own is gone, and no other',
    );
  });

  it("goes by no name: a folder under any name is its living owner's", async () => {
    const living = await another();
    // As another pid namespace, or a restart that counts process ids from 1 again, would have it.
    await rename(join(root, living.name), join(root, 'downloader-999999999-1'));
    const staging = await openStaging(root, log);
    await staging.removeDead();
    assert.ok(existsSync(join(root, 'downloader-999999999-1')));
    await living.kill();
    await staging.removeDead();
    assert.ok(!existsSync(join(root, 'downloader-999999999-1')));
    await staging.close();
  });

  it('goes on removing where somebody was interrupted', async () => {
    await mkdir(join(root, 'downloader-emptied'));
    const half = join(root, 'downloader-half');
    await mkdir(join(half, 'attempt-1'), { recursive: true });
    await writeFile(join(half, 'owner'), '');
    const staging = await openStaging(root, log);
    await staging.removeDead();
    await staging.close();
    assert.deepEqual(await readdir(root), []);
  });

  it('leaves alone what no downloader made, and says so', async () => {
    const folder = join(root, 'downloader-notes');
    await mkdir(folder);
    await writeFile(join(folder, 'thesis.txt'), 'x');
    const warnings: unknown[] = [];
    const staging = await openStaging(root, {
      warn: (fields: unknown) => warnings.push(fields),
    } as unknown as typeof log);
    await staging.removeDead();
    await staging.close();
    assert.deepEqual(await readdir(folder), ['thesis.txt']);
    assert.match(JSON.stringify(warnings), /downloader-notes.*ENOTEMPTY/);
  });

  it('gives each of many that start and clean at the same moment a folder of its own', async () => {
    const dead = await another();
    await dead.kill();
    const stagings = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const staging = await openStaging(root, log);
        await staging.removeDead();
        return staging;
      }),
    );
    assert.equal((await readdir(root)).length, 20);
    for (const staging of stagings) {
      await staging.withFolder((folder) => writeFile(join(folder, 'file'), 'x'));
    }
    await Promise.all(stagings.map((staging) => staging.close()));
    assert.deepEqual(await readdir(root), []);
  });

  it('gives each attempt a folder of its own that is gone afterwards, also after an error', async () => {
    const staging = await openStaging(root, log);
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
