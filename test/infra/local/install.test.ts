import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

const root = mkdtempSync(join(tmpdir(), 'spotloop-install-'));
after(() => rmSync(root, { recursive: true }));

const module = new URL('../../../infra/local/install/install.ts', import.meta.url).href;

test('a bare machine is told at once everything that it misses, a line each', async () => {
  const script = `import { install } from ${JSON.stringify(module)};
    await install().catch((error) => { console.log(error.message); });`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', script],
    { env: { PATH: root, HOME: root } },
  );
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(':')[0]),
    ['install fake-gcs-server', 'install yt-dlp', 'find java', 'find the Pub/Sub emulator'],
  );
  assert.ok(lines.every((line) => line.includes(' — install ')));
});
