import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RunReport } from '../../activities/report/run-report.ts';
import type { RunSpecInput } from '../../domain/run-spec.ts';
import { resultsOf } from '../support/clip-run.ts';
import { startRunStack } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';

/** A run that stores what belongs to its videos, and the one after it. */

const keys = ['first000000', 'second00000', '-rf'];
const beside = ['en.vtt', 'info.json', 'png'];
/** Four starts of yt-dlp on a busy machine. */
const yieldsMs = 120_000;

type Task = Extract<RunSpecInput['task'], { kind: 'yt-dlp' }>;

let world: RunStack;
before(async () => {
  world = await startRunStack();
});
after(() => world.stop());

const input = (items: string[]) => {
  const sideFiles: NonNullable<Task['sideFiles']> = ['info', 'subtitles', 'thumbnail'];
  const task: Task = {
    kind: 'yt-dlp',
    url: `${world.stack.site.address}/watch?v={key}`,
    format: 'b',
    options: ['--use-extractors=generic,html5'],
    sideFiles,
  };
  return { items, destination: 'gs://spotloop-local/beside/', task };
};

describe('a run with side files', { timeout: yieldsMs }, () => {
  it('stores them beside each object, says so, and passes its audit', async () => {
    const result = await (await world.start('beside', input(keys))).result();
    assert.equal(result.stored, keys.length);
    assert.deepEqual(
      await world.objects('beside'),
      keys.flatMap((key) => ['mp4', ...beside].map((suffix) => `${key}.${suffix}`)).toSorted(),
    );
    const results = await resultsOf(world, result.runFolder);
    for (const { sideFiles } of results) assert.deepEqual(Object.keys(sideFiles ?? {}), beside);
    const report = JSON.parse(
      await world.readRunFile(result.runFolder, 'report.json'),
    ) as RunReport;
    const bytes = results
      .flatMap(({ sideFiles }) => Object.values(sideFiles ?? {}))
      .reduce((sum, size) => sum + size, 0);
    assert.deepEqual(report.sideFiles, { count: keys.length * beside.length, bytes });
    const { problems, objects, sideFiles, otherObjects } = await world.audit(result.runFolder);
    assert.deepEqual([problems, objects, sideFiles, otherObjects], [[], 3, 9, 0]);
  });

  it('skips what is stored when it runs again, and takes no side file for an item', async () => {
    const again = [...keys, 'first000000.info', 'third000000'];
    const result = await (await world.start('beside-again', input(again))).result();
    assert.deepEqual([result.stored, result.skipped], [2, keys.length]);
    const asked = await world.asked(keys);
    assert.deepEqual(asked, [1, 1, 1]);
    const { problems, sideFiles, otherObjects } = await world.audit(result.runFolder);
    assert.deepEqual([problems, sideFiles, otherObjects], [[], 15, 0]);
  });
});
