import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../../workers/temporal/main.ts', import.meta.url));

/** Runs a Temporal worker that ends before it looks for Temporal. */
function refusal(address: string): Promise<{ code: unknown; stderr: string }> {
  const env = {
    PATH: process.env['PATH'],
    GOOGLE_CLOUD_PROJECT: 'p',
    SPOTLOOP_METRICS_ADDRESS: address,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [main], { env }, (error, _, stderr) =>
      resolve({ code: error?.code, stderr }),
    );
  });
}

describe('a Temporal worker that cannot tell its metrics', { concurrency: 2 }, () => {
  const wrong = {
    'localhost:9464':
      /^environment: SPOTLOOP_METRICS_ADDRESS: is "localhost:9464", which is not an IP/,
    // Of documentation: nobody has it (RFC 5737).
    '192.0.2.1:9464':
      /^listen for metrics on 192.0.2.1:9464: .*Cannot assign requested address.* — set SPOTLOOP_METRICS/,
  };
  for (const [address, words] of Object.entries(wrong)) {
    it(`at ${address} exits 64 with one line of JSON`, async () => {
      const { code, stderr } = await refusal(address);
      assert.equal(code, 64, stderr);
      const { severity, process: name, message } = JSON.parse(stderr) as Record<string, string>;
      assert.deepEqual([severity, name], ['ERROR', 'temporal-worker']);
      assert.match(message ?? '', words);
    });
  }

  it('for another process has the port exits 64, too: its operator is there to see it', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = other.address() as AddressInfo;
      const { code, stderr } = await refusal(`127.0.0.1:${port}`);
      assert.equal(code, 64, stderr);
      assert.match(stderr, /Address already in use/);
    } finally {
      other.close();
    }
  });
});
