import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { assembleImage } from '../../../../../infra/local/cluster/images/assemble-image.ts';
import { packLayer } from '../../../../../infra/local/cluster/images/pack-layer.ts';

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotloop-image-'));
});

after(() => rm(folder, { recursive: true, force: true }));

test('packs the same content into the same bytes, whenever and in whichever order it was written', async () => {
  const files = ['b.txt', 'a/deep.txt', 'a.txt'];
  const first = await writeContent('first', files);
  const second = await writeContent('second', files.toReversed());
  await utimes(join(second, 'a.txt'), 1, 1);
  await Promise.all([
    packLayer(first, join(folder, 'first.tar')),
    packLayer(second, join(folder, 'second.tar')),
  ]);
  assert.deepEqual(
    await readFile(join(folder, 'first.tar')),
    await readFile(join(folder, 'second.tar')),
  );
});

test('lets every user read what a private umask wrote', async () => {
  const content = await writeContent('private', ['a/secret.txt']);
  await chmod(join(content, 'a', 'secret.txt'), 0o600);
  await chmod(join(content, 'a'), 0o700);
  await chmod(content, 0o700);
  const layer = join(folder, 'private.tar');
  await packLayer(content, layer);
  const lines = (await run('tar', '--list', '--verbose', '--file', layer)).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => [line.split(' ')[0], line.split(' ').at(-1)]),
    [
      ['drwxr-xr-x', './'],
      ['drwxr-xr-x', './a/'],
      ['-rw-r--r--', './a/secret.txt'],
    ],
  );
});

test('assembles an archive whose list, config and layers name each other by digest', async () => {
  const layers = ['lower', 'upper'].map((name) => join(folder, `${name}.tar`));
  for (const [index, layer] of layers.entries()) {
    await packLayer(await writeContent(`layer-${index}`, [`file-${index}.txt`]), layer);
  }
  const archive = join(folder, 'new', 'image.tar');
  const name = 'localhost/spotloop-test:0123456789ab';
  await assembleImage({
    archive,
    name,
    layers,
    config: {
      entrypoint: ['/bin/program', 'argument with space'],
      env: { PATH: '/bin' },
      user: '10001:10001',
      workingDir: '/app',
    },
  });

  const unpacked = join(folder, 'unpacked');
  await mkdir(unpacked);
  await run('tar', '--extract', '--file', archive, '--directory', unpacked);
  const [image, ...others] = JSON.parse(await readFile(join(unpacked, 'manifest.json'), 'utf8'));
  assert.deepEqual(others, []);
  assert.deepEqual(image.RepoTags, [name]);
  assert.deepEqual(
    new Set(await readdir(unpacked)),
    new Set(['manifest.json', image.Config, ...image.Layers]),
  );
  const configBytes = await readFile(join(unpacked, image.Config));
  assert.equal(`${sha256(configBytes)}.json`, image.Config);
  const { config, rootfs, os } = JSON.parse(configBytes.toString());
  assert.equal(os, 'linux');
  assert.deepEqual(config, {
    Entrypoint: ['/bin/program', 'argument with space'],
    Env: ['PATH=/bin'],
    User: '10001:10001',
    WorkingDir: '/app',
  });
  for (const [index, layer] of layers.entries()) {
    const bytes = await readFile(join(unpacked, image.Layers[index]));
    assert.deepEqual(bytes, await readFile(layer));
    assert.equal(rootfs.diff_ids[index], `sha256:${sha256(bytes)}`);
  }
  assert.deepEqual(await readdir(join(folder, 'new')), ['image.tar']);
});

test('leaves nothing behind when a layer is missing', async () => {
  const archives = join(folder, 'failed');
  await assert.rejects(
    assembleImage({
      archive: join(archives, 'image.tar'),
      name: 'localhost/spotloop-test:none',
      layers: [join(folder, 'no-such-layer.tar')],
      config: { entrypoint: ['/bin/program'] },
    }),
    /no-such-layer\.tar/,
  );
  assert.deepEqual(await readdir(archives), []);
});

async function writeContent(name: string, files: readonly string[]): Promise<string> {
  const content = join(folder, name);
  await mkdir(join(content, 'a'), { recursive: true });
  for (const file of files) await writeFile(join(content, file), `content of ${file}\n`);
  return content;
}

async function run(command: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(command, args)).stdout;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
