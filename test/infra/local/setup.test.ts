import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';

const root = mkdtempSync(join(tmpdir(), 'spotloop-setup-'));
after(() => rmSync(root, { recursive: true }));

/** A repository of nothing but `setup.mjs`, with one package that the lock file wants in `version`. */
function makeRepository(name: string, installedVersion: string): string {
  const folder = join(root, name);
  mkdirSync(join(folder, 'infra', 'local'), { recursive: true });
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  const setup = new URL('../../../infra/local/setup.mjs', import.meta.url);
  cpSync(setup, join(folder, 'infra', 'local', 'setup.mjs'));
  symlinkSync(process.execPath, join(folder, 'node_modules', '.bin', 'node'));
  const lock = (version: string): string =>
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        'node_modules/wanted': { version },
        'node_modules/for-another-machine': { version: '1.0.0', optional: true },
      },
    });
  writeFileSync(join(folder, 'package-lock.json'), lock('1.0.0'));
  const installed = JSON.parse(lock(installedVersion)) as { packages: Record<string, unknown> };
  delete installed.packages['node_modules/for-another-machine'];
  writeFileSync(join(folder, 'node_modules', '.package-lock.json'), JSON.stringify(installed));
  return folder;
}

function runSetup(folder: string, script: string, env?: Record<string, string>) {
  writeFileSync(join(folder, 'script.ts'), script);
  return spawn(process.execPath, ['infra/local/setup.mjs', 'script.ts', '-a', 'b c'], {
    cwd: folder,
    env: { ...process.env, ...env },
  });
}

test('runs the script with its arguments and passes its exit code on', async () => {
  const folder = makeRepository('fitting', '1.0.0');
  const script = `const code: number = 7;
    console.log(JSON.stringify(process.argv.slice(2)));
    process.exitCode = code;`;
  const setup = runSetup(folder, script);
  const [out, err, [code]] = await Promise.all([
    text(setup.stdout),
    text(setup.stderr),
    once(setup, 'exit'),
  ]);
  assert.deepEqual(JSON.parse(out), ['-a', 'b c']);
  assert.equal(err, '', 'nothing is installed');
  assert.equal(code, 7);
});

test('passes a signal on and waits for the script to clean up', async () => {
  const folder = makeRepository('signalled', '1.0.0');
  const setup = runSetup(
    folder,
    `process.on('SIGTERM', () => setTimeout(() => { console.log('clean'); process.exit(3); }, 200));
     setInterval(() => {}, 1000); console.log('up');`,
  );
  let output = '';
  for await (const chunk of setup.stdout) {
    output += String(chunk);
    if (output === 'up\n') setup.kill('SIGTERM');
  }
  assert.equal(output, 'up\nclean\n');
  if (setup.exitCode === null) await once(setup, 'exit');
  assert.equal(setup.exitCode, 3);
});

test('another version in the lock file makes it install; its failure is said in one line', async () => {
  const folder = makeRepository('outdated', '0.9.0');
  writeFileSync(
    join(folder, 'npm.mjs'),
    'process.stderr.write(process.argv[2]); process.exit(process.argv[2] === "ci" ? 4 : 5);',
  );
  const setup = runSetup(folder, 'console.log("ran")', { npm_execpath: join(folder, 'npm.mjs') });
  const [out, err, [code]] = await Promise.all([
    text(setup.stdout),
    text(setup.stderr),
    once(setup, 'exit'),
  ]);
  assert.equal(out, '');
  assert.match(err, /^npm packages: installing/);
  assert.match(err, /setup: install the npm packages: npm ci ended with 4 — /);
  assert.equal(code, 1);
});
