import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { startRunStack } from '../support/run-stack.ts';

/**
 * `npm run test:scale`: 100,000 items through a command that does nothing. Beside `npm test`, for it takes minutes: a process
 * is started for each item.
 */

const items = 100_000;

/** Two cores, two downloaders, each with more slots than it can start processes for at once. */
const workers = 2;
const concurrency = 16;

/** What issue 3 allows at the peak, MiB. */
const mostWorkerMiB = 500;
const mostDownloaderMiB = 250;

/** Memory is looked at so often, ms; the kernel keeps the peak. */
const lookEveryMs = 2_000;

/** A process's peak of resident memory, MiB, from the kernel; 0 when it has ended. */
async function peakMiB(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

it(
  `runs ${items} items through in bounded memory and a short history`,
  { timeout: 1_200_000 },
  async (t) => {
    const world = await startRunStack();
    t.after(() => world.stop());
    const list = join(tmpdir(), `spotloop-scale-${process.pid}`);
    await writeFile(list, Array.from({ length: items }, (_, n) => `id${n}\n`).join(''));

    const handle = await world.start('scale', {
      items: `file://${list}`,
      destination: 'gs://spotloop-local/scale/',
      task: { kind: 'command', name: 'noop' },
      workers,
      concurrency,
    });
    let downloaderMiB = 0;
    const watching = setInterval(() => {
      void world.downloaders().then(async (pids) => {
        downloaderMiB = Math.max(downloaderMiB, ...(await Promise.all(pids.map(peakMiB))));
      });
    }, lookEveryMs);
    t.after(() => clearInterval(watching));

    const result = await handle.result();
    const workerMiB = await peakMiB(world.stack.workerPid());
    const events = (await handle.fetchHistory()).events?.length ?? 0;
    t.diagnostic(
      `${result.seconds} s, ${Math.round(items / result.seconds)} items/s, ${events} events, peak MiB: Temporal worker ${Math.round(workerMiB)}, downloader ${Math.round(downloaderMiB)}`,
    );
    assert.deepEqual([result.total, result.stored], [items, items]);
    assert.ok(events < 1_000, `${events} events`);
    assert.ok(workerMiB > 0 && workerMiB < mostWorkerMiB, `Temporal worker ${workerMiB} MiB`);
    assert.ok(
      downloaderMiB > 0 && downloaderMiB < mostDownloaderMiB,
      `downloader ${downloaderMiB} MiB`,
    );
    assert.deepEqual(await world.queueLeft(), []);
  },
);
