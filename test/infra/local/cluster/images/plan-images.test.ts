import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { keepNewest } from '../../../../../infra/local/cluster/images/keep-newest.ts';
import { packagesLayer } from '../../../../../infra/local/cluster/images/packages-layer.ts';
import { unpackLayer } from '../../../../../infra/local/cluster/images/pack-layer.ts';
import { planImages } from '../../../../../infra/local/cluster/images/plan-images.ts';
import { sourceLayer } from '../../../../../infra/local/cluster/images/source-layer.ts';
import { ensurePart } from '../../../../../infra/local/install/part.ts';

let folder: string;
const cacheBefore = process.env['SPOTLOOP_CACHE'];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotloop-plan-'));
  process.env['SPOTLOOP_CACHE'] = join(folder, 'cache');
});

after(async () => {
  if (cacheBefore === undefined) delete process.env['SPOTLOOP_CACHE'];
  else process.env['SPOTLOOP_CACHE'] = cacheBefore;
  await rm(folder, { recursive: true, force: true });
});

test("gives the downloader all that it imports, and nothing of Temporal's or the cluster's", async () => {
  const { downloader } = await planImages();
  const image = join(folder, 'downloader');
  await mkdir(image);
  for (const { name, part } of downloader.layers) {
    if (name.startsWith('downloader-')) await unpackLayer(await ensurePart(part), image);
  }

  const app = join(image, 'app');
  assert.deepEqual(
    new Set(await readdir(app)),
    new Set(['domain', 'node_modules', 'package.json', 'storage', 'workers']),
  );
  assert.deepEqual(
    new Set(await readdir(join(app, 'workers'))),
    new Set(['downloader', 'process']),
  );
  const packages = await readdir(join(app, 'node_modules'));
  // The second is only loaded when metrics are asked for.
  for (const needed of ['@google-cloud', 'prom-client']) {
    assert.ok(packages.includes(needed), `${needed} is not there: ${packages.join(' ')}`);
  }
  for (const unwanted of ['@temporalio', '@kubernetes', 'node']) {
    assert.ok(!packages.includes(unwanted), `${unwanted} is there`);
  }

  // Away from the repository there is nothing else that it could import.
  const main = join(app, 'workers', 'downloader', 'main.ts');
  await assert.rejects(promisify(execFile)(process.execPath, [main], { env: {} }), {
    code: 64,
    stderr: /^{.*"message":"environment: SPOTLOOP_ASSIGNMENT: is not set.*}\n$/,
  });
});

test('gives both yt-dlp: one downloads with it, the other lists pages', async () => {
  const { downloader, temporalWorker } = await planImages();
  for (const { layers } of [downloader, temporalWorker]) {
    assert.ok(layers.some(({ name }) => name === 'yt-dlp'));
  }
});

test('copies of a package what runs, its licence, and nothing that is left out', async () => {
  const root = join(folder, 'packages');
  const files = [
    'node_modules/a/index.js',
    'node_modules/a/index.d.ts',
    'node_modules/a/index.js.map',
    'node_modules/a/README.md',
    'node_modules/a/LICENSE.md',
    'node_modules/a/programs/ours.node',
    'node_modules/a/programs/theirs.node',
    'node_modules/a/node_modules/unrelated/index.js',
    'node_modules/b/index.js',
  ];
  for (const file of files) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await writeFile(join(root, file), '');
  }
  await writeFile(join(root, 'node_modules/a/package.json'), '{"dependencies":{"b":"*"}}');
  await mkdir(join(root, 'code'));
  await writeFile(join(root, 'code', 'a.ts'), "import 'a';\n");
  const layer = await packagesLayer({
    name: 'test-packages',
    root,
    folders: ['code'],
    leftOutPackages: ['b'],
    leftOutPaths: ['a/programs/theirs.node'],
  });
  const image = join(folder, 'copied');
  await mkdir(image);
  await unpackLayer(await ensurePart(layer.part), image);
  const copied = await readdir(join(image, 'app'), { recursive: true, withFileTypes: true });
  assert.deepEqual(
    new Set(copied.filter((entry) => entry.isFile()).map(({ name }) => name)),
    new Set(['index.js', 'LICENSE.md', 'ours.node', 'package.json']),
  );
});

test('makes a layer anew when a file has changed, has come or has gone, and only then', async () => {
  const root = join(folder, 'source');
  await mkdir(join(root, 'code'), { recursive: true });
  await writeFile(join(root, 'code', 'a.ts'), '1');
  const plan = () => sourceLayer({ name: 'test-source', root, paths: ['code', 'not-there-yet'] });
  const keys = [(await plan()).key];
  const reports: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    await ensurePart((await plan()).part, (line) => reports.push(line));
  }
  assert.equal(reports.filter((line) => line.includes('done')).length, 1, reports.join('\n'));

  await writeFile(join(root, 'code', 'a.ts'), '2');
  keys.push((await plan()).key);
  await writeFile(join(root, 'not-there-yet'), '');
  keys.push((await plan()).key);
  await rm(join(root, 'not-there-yet'));
  await writeFile(join(root, 'code', 'a.ts'), '1');
  assert.equal(new Set(keys).size, 3, keys.join(' '));
  assert.equal((await plan()).key, keys[0]);
});

test('removes what was used longest ago, of its own kind only', async () => {
  const cache = join(folder, 'archives');
  const names = ['one-00000000000a', 'one-00000000000b', 'one-00000000000c'];
  const others = ['one-two-00000000000a', 'one', 'layers'];
  for (const [age, name] of [...names, ...others].entries()) {
    await mkdir(join(cache, name, 'content'), { recursive: true });
    await utimes(join(cache, name), 1000 - age, 1000 - age);
  }
  // The oldest is used again, so the next oldest goes.
  await keepNewest(join(cache, names[2]!), 2);
  assert.deepEqual(new Set(await readdir(cache)), new Set([names[0], names[2], ...others]));
});
