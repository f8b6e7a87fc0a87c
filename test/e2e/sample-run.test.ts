import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { RunResult } from '../../domain/progress.ts';
import { sampleInput } from '../../infra/local/directions.ts';
import { clipOf } from '../../infra/local/site/clip.ts';
import { startRunStack } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';

/** The README's run: the first hundred sample ids through the real yt-dlp, and again. */

const list = fileURLToPath(new URL('../../examples/youtube-ids', import.meta.url));
const goneList = fileURLToPath(new URL('../../examples/gone-ids', import.meta.url));
const items = 100;

/** Two yt-dlp at a time keep two cores busy: 100 starts of it are half a minute of each. */
const yieldsMs = 240_000;

let world: RunStack;
let ids: string[];
let gone: Set<string>;

before(async () => {
  world = await startRunStack();
  ids = (await readFile(list, 'utf8')).split('\n').slice(0, items);
  gone = new Set((await readFile(goneList, 'utf8')).split('\n'));
});

after(() => world.stop());

const input = () => ({
  ...sampleInput(world.stack, items),
  destination: 'gs://spotloop-local/videos/',
});

describe('the sample run', () => {
  it(
    'stores every id but the gone ones, byte for byte, and leaves nothing behind',
    { timeout: yieldsMs },
    async () => {
      const handle = await world.start('sample', input());
      const result: RunResult = await handle.result();
      const goneHere = ids.filter((id) => gone.has(id));
      assert.ok(goneHere.length > 0, 'the sample has gone ids');
      assert.deepEqual(
        {
          total: result.total,
          stored: result.stored,
          failed: result.failed,
          skipped: result.skipped,
        },
        { total: items, stored: items - goneHere.length, failed: goneHere.length, skipped: 0 },
      );
      const present = ids.filter((id) => !gone.has(id));
      assert.deepEqual(await world.objects('videos'), present.map((id) => `${id}.mp4`).toSorted());
      for (const id of present) {
        const bytes = await readFile(join(world.stack.bucketFolder, 'videos', `${id}.mp4`));
        assert.ok(bytes.equals(clipOf(id)), `${id} differs from what the site serves`);
      }

      const failed = (await world.readRunFile(result.runFolder, 'failed.txt'))
        .split('\n')
        .filter(Boolean);
      assert.deepEqual(failed.toSorted(), goneHere.toSorted());
      const lines = (await world.readRunFile(result.runFolder, 'results.jsonl'))
        .trimEnd()
        .split('\n');
      const results = lines.map(
        (line) => JSON.parse(line) as { key: string; outcome: string; error?: string },
      );
      assert.deepEqual(
        results.map(({ key }) => key),
        ids,
      );
      for (const { key, outcome, error } of results) {
        assert.equal(outcome, gone.has(key) ? 'failed' : 'stored', key);
        if (gone.has(key)) assert.match(error ?? '', /404|410|unavailable/i);
      }

      assert.deepEqual(await world.queueLeft(), []);
      assert.deepEqual(await world.downloaders(), []);
    },
  );

  it('keeps item ids out of its history, but for examples of failed ones (I8)', async () => {
    const history = await world.client.workflow.getHandle('sample').fetchHistory();
    const text = JSON.stringify(
      JSON.parse(historyToJSON(history), (name, value: unknown) =>
        name === 'data' && typeof value === 'string'
          ? Buffer.from(value, 'base64').toString()
          : value,
      ),
    );
    assert.ok(text.includes('spotloop-local'), 'payloads are readable here');
    for (const id of ids.filter((one) => !gone.has(one))) {
      assert.ok(!text.includes(id), `${id} stands in the history`);
    }
  });

  it('stores nothing the second time, asks for none, and takes seconds', async () => {
    const asked = await world.requestsFor(ids);
    const handle = await world.start('sample-again', input());
    const result = await handle.result();
    const goneHere = ids.filter((id) => gone.has(id));
    const { total, stored, skipped, failed, gone: notTried } = result;
    assert.deepEqual(
      { total, stored, skipped, failed, notTried },
      {
        total: items,
        stored: 0,
        skipped: items - goneHere.length,
        failed: 0,
        notTried: goneHere.length,
      },
    );
    assert.deepEqual(await world.requestsFor(ids), asked);
    /** No downloader is started. */
    const seconds = 15;
    assert.ok(result.seconds < seconds, `${result.seconds} s`);
    const page = await world.readRunFile(result.runFolder, 'report.html');
    assert.match(
      page,
      /3 items gone since 20\d\d-\d\d-\d\d \(.*HTTP Error 404.*\): not tried, but again after 20/,
    );
    const audit = await world.audit(result.runFolder);
    assert.deepEqual([audit.isSound, audit.counts.gone], [true, goneHere.length]);
  });

  it('tries the gone ones again where it is told to', { timeout: yieldsMs }, async () => {
    const goneHere = ids.filter((id) => gone.has(id));
    const asked = await world.requestsFor(goneHere);
    const handle = await world.start('sample-all', { ...input(), goneFor: '0' });
    const { skipped, failed, gone: notTried } = await handle.result();
    assert.deepEqual([skipped, failed, notTried], [items - goneHere.length, goneHere.length, 0]);
    for (const [at, count] of (await world.requestsFor(goneHere)).entries()) {
      assert.ok(count > (asked[at] ?? 0), `${goneHere[at]} was not asked for`);
    }
  });

  it('is read well with the temporal command', async () => {
    const query = await world.temporal(
      'workflow',
      'query',
      '--type',
      'progress',
      '--workflow-id',
      'sample',
    );
    assert.match(query, /"total":100/);
    assert.match(query, /"asOf":"20/);
    const metadata = await world.temporal('workflow', 'metadata', '--workflow-id', 'sample');
    assert.match(metadata, /progress +Counts, rate, time left and fleet/);
    assert.match(metadata, /\| Total \| 100 \|/);
    const description = await world.temporal('workflow', 'describe', '--workflow-id', 'sample');
    assert.match(description, /COMPLETED/);
  });
});
