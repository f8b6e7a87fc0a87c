import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startQueueAndStorage } from '../support/stack.ts';
import type { QueueAndStorage } from '../support/stack.ts';
import { idOf } from './stored-ids.ts';

/**
 * `npm run test:scale`: the snapshot step of an incremental run, a million ids in the bucket and ten new ones, from a server that lists so many and
 * takes its time for each page, as one that is not on this machine does.
 */

const newIds = 10;

/** What a page of an object list is taken to cost: a way there and back, and a thousand names to look up. */
const pageMs = 100;

/** Of the time that one page after the other takes by waiting alone: a tenth on an idle machine of two cores, a quarter on a busy one. */
const mostOfWaiting = 0.5;

/** A list of four times the length may take this much more memory, MiB: the table's 17 bytes a place, and what is not collected yet. */
const mostMoreMiB = 250;

let stack: QueueAndStorage;
before(async () => {
  stack = await startQueueAndStorage();
});
after(() => stack.stop());

const programAt = (name: string) => fileURLToPath(new URL(name, import.meta.url));

type Measured = {
  total: number;
  published: number;
  seconds: number;
  beforeMiB: number;
  peakMiB: number;
};

/** The step, over a list of what is stored and ten ids more. */
async function measure(stored: number): Promise<Measured & { pages: number }> {
  const args = [programAt('million-names.ts'), String(stored), String(pageMs)];
  const server = spawn(process.execPath, [...args, stack.storageEndpoint], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [port] = (await once(server.stdout, 'data')) as [Buffer];
  const endpoint = `http://127.0.0.1:${port.toString().trim()}`;
  const list = join(stack.folder, `list-${stored}`);
  const lines = Array.from({ length: stored + newIds }, (_, at) => `${idOf(at)}\n`);
  await writeFile(list, lines.join(''));
  const step = [programAt('snapshot-once.ts'), `file://${list}`, endpoint, stack.bucket];
  // The environment would name the server behind ours.
  const { stdout } = await promisify(execFile)(process.execPath, step);
  const pages = Number(await (await fetch(`${endpoint}/requests`)).text());
  server.stdin.end();
  return { ...(JSON.parse(stdout) as Measured), pages };
}

it('finds ten new ids among a million stored ones in seconds', { timeout: 600_000 }, async (t) => {
  const [few, many] = [await measure(250_000), await measure(1_000_000)];
  for (const { total, seconds, beforeMiB, peakMiB, pages } of [few, many]) {
    t.diagnostic(
      `${total} ids: ${seconds.toFixed(1)} s, ${pages} pages, ${Math.round(beforeMiB)} MiB before, ${Math.round(peakMiB)} MiB at the peak`,
    );
  }
  for (const { published } of [few, many]) assert.equal(published, newIds);
  const waitingSeconds = (many.pages * pageMs) / 1000;
  assert.ok(many.seconds < waitingSeconds * mostOfWaiting, `${many.seconds} s`);
  assert.ok(many.pages < 1_100, `${many.pages} pages for a thousand`);
  assert.ok(many.peakMiB - few.peakMiB < mostMoreMiB, `${few.peakMiB} to ${many.peakMiB} MiB`);
});
