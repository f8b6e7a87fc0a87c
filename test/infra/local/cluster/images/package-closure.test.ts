import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  importedPackages,
  packageClosure,
} from '../../../../../infra/local/cluster/images/package-closure.ts';

let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'spotloop-closure-'));
});

after(() => rm(root, { recursive: true, force: true }));

test('finds the packages that are imported at run time, however deep and in whichever form', async () => {
  await write(
    'source/deep/program.ts',
    `import { readFile } from 'node:fs/promises';
import { createRequire } from 'module';
import type { A } from 'only-types';
import b from 'default-import';
import * as c from '@scope/name/part';
import {
  d,
  e as f,
} from 'on-several-lines';
import 'for-its-effect';
import { g } from './neighbour.ts';
export { h } from 're-exported';
export type { I } from 'only-types-again';
export const text = 'not from here';
const later = await import('imported-later');
`,
  );
  assert.deepEqual(await importedPackages(root, ['source']), [
    '@scope/name',
    'default-import',
    'for-its-effect',
    'imported-later',
    'on-several-lines',
    're-exported',
  ]);
});

test('collects what packages need where Node finds it, each once', async () => {
  await install('node_modules/a', {
    dependencies: { b: '*', c: '*' },
    optionalDependencies: { 'for-another-machine': '*' },
  });
  await install('node_modules/b', { dependencies: { c: '*', a: '*' } });
  await install('node_modules/c', { version: '1.0.0' });
  await install('node_modules/b/node_modules/c', {
    version: '2.0.0',
    peerDependencies: { peer: '*', 'optional-peer': '*' },
    peerDependenciesMeta: { 'optional-peer': { optional: true } },
  });
  await install('node_modules/peer', {});
  await install('node_modules/optional-peer', {});
  await install('node_modules/unrelated', {});
  assert.deepEqual(await packageClosure(root, ['a']), [
    { folder: 'node_modules/a', version: '0.0.0' },
    { folder: 'node_modules/b', version: '0.0.0' },
    { folder: 'node_modules/b/node_modules/c', version: '2.0.0' },
    { folder: 'node_modules/c', version: '1.0.0' },
    { folder: 'node_modules/peer', version: '0.0.0' },
  ]);
  assert.deepEqual(await packageClosure(root, ['a'], ['b']), [
    { folder: 'node_modules/a', version: '0.0.0' },
    { folder: 'node_modules/c', version: '1.0.0' },
  ]);
});

test('says which package is missing, and who needs it', async () => {
  await install('node_modules/needy', { dependencies: { nowhere: '*' } });
  await assert.rejects(packageClosure(root, ['needy']), {
    message:
      'collect npm packages: nowhere, which node_modules/needy needs, is not in node_modules — run npm ci',
  });
});

function install(folder: string, manifest: object): Promise<void> {
  return write(join(folder, 'package.json'), JSON.stringify({ version: '0.0.0', ...manifest }));
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(root, dirname(path)), { recursive: true });
  await writeFile(join(root, path), text);
}
