import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { RunSpecInput } from '../../domain/run-spec.ts';
import { assertNothingLeft, failureOf, linesOf, nameOf } from '../support/clip-run.ts';
import type { ClipRun } from '../support/clip-run.ts';
import { startRunStack } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';
import { uniqueName } from '../support/unique-name.ts';

/** A whole run whose cookies have expired, and the one after they were renewed. */

const cookies = join(tmpdir(), uniqueName('cookies'));
const expired = 'session-that-has-expired';
const keys = ['lapsed10001', 'lapsed10002', 'lapsed10003', 'lapsed10004'];
const yieldsMs = 180_000;

let world: RunStack;
before(async () => {
  await renew(expired);
  world = await startRunStack({ env: { SPOTLOOP_COOKIES_FILE: cookies } });
  for (const id of keys) {
    const order = { method: 'POST', body: JSON.stringify({ id, kind: 'members' }) };
    assert.ok((await fetch(`${world.stack.site.address}/behaviour`, order)).ok);
  }
});
after(() => world.stop());

async function renew(session: string): Promise<void> {
  const line = ['127.0.0.1', 'FALSE', '/', 'FALSE', '0', 'session', session].join('\t');
  await writeFile(cookies, `# Netscape HTTP Cookie File\n${line}\n`, { mode: 0o600 });
}

async function startRun(prefix: string): Promise<ClipRun> {
  const input: Partial<RunSpecInput> = {
    items: keys,
    destination: `gs://spotloop-local/${prefix}/`,
    task: {
      kind: 'yt-dlp',
      url: `${world.stack.site.address}/watch?v={key}`,
      format: 'b',
      options: ['--use-extractors=generic,html5'],
    },
    leaseDeadline: '10s',
  };
  const handle = await world.start(prefix, input);
  return { handle, name: nameOf(handle), keys, prefix };
}

/** Files under a folder that hold a text. */
async function filesWith(folder: string, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const file = join(folder, name);
    if ((await stat(file)).isFile() && (await readFile(file)).includes(text)) found.push(file);
  }
  return found;
}

describe('a run with cookies', { timeout: yieldsMs }, () => {
  it('that have expired fails in words that say what to renew, with nothing failed for good', async () => {
    const run = await startRun('lapsed');
    const { type, message } = await failureOf(run);
    assert.equal(type, 'FleetFailed');
    assert.match(
      message,
      /signed out by the site: .*cookies are no longer valid.* — renew .*export/,
    );
    assert.ok(message.includes(cookies));
    const runFolder = `gs://spotloop-local/.spotloop/${run.name}/`;
    assert.deepEqual(await linesOf(world, runFolder, 'failed.txt'), []);
    assert.deepEqual(await linesOf(world, runFolder, 'remaining.txt'), keys);
    await assertNothingLeft(world, run);
    const everything = join(world.stack.bucketFolder, '..', '..');
    const telling = await filesWith(everything, 'cookies are no longer valid');
    assert.ok(
      telling.some((file) => file.endsWith('.log')),
      telling.join(),
    );
    assert.ok(
      telling.some((file) => file.endsWith('.html')),
      telling.join(),
    );
    assert.deepEqual(await filesWith(everything, expired), []);
  });

  it('that were renewed does what was left', async () => {
    await renew('valid');
    const result = await (await startRun('lapsed')).handle.result();
    assert.equal(result.stored, keys.length);
  });
});
