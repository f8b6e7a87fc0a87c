import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { RunSpecInput } from '../../domain/run-spec.ts';
import { clipOf } from '../../infra/local/site/clip.ts';
import type { Behaviour } from '../../infra/local/site/behaviours.ts';
import { assertNothingLeft, clips, resultsOf, startRun } from '../support/clip-run.ts';
import { uniqueName } from '../support/unique-name.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';

/** Origins as they may be. Each item ends as its origin deserves, and its neighbours as ever. */

let world: FaultStack;
before(async () => {
  world = await startFaultStack({
    scripts: {
      endless: `case "$SPOTLOOP_KEY" in
        endless*) while :; do head -c 1000000 /dev/zero; sleep 0.05; done > "$SPOTLOOP_OUTPUT";;
        *) printf %s "$SPOTLOOP_KEY" > "$SPOTLOOP_OUTPUT";;
      esac`,
    },
  });
});
after(() => world.stop());

type Misbehaviour = Omit<Partial<Behaviour>, 'id'> & Pick<Behaviour, 'kind'>;
type Expected = {
  readonly outcome: 'stored' | 'failed';
  readonly attempts: number;
  readonly reason?: 'permanent' | 'exhausted';
  readonly error?: RegExp;
};

const attempts = 3;
/** Far more than what is slow takes, for a busy machine adds seconds. */
const itemTimeout = '10s';
const stored = (count: number): Expected => ({ outcome: 'stored', attempts: count });
const exhausted = (error: RegExp): Expected => ({
  outcome: 'failed',
  attempts,
  reason: 'exhausted',
  error,
});
const permanent = (error: RegExp): Expected => ({
  outcome: 'failed',
  attempts: 1,
  reason: 'permanent',
  error,
});

/** What an origin does, and how its item ends. */
const origins: readonly (readonly [string, Misbehaviour, Expected])[] = [
  ['slow', { kind: 'slow', seconds: 3 }, stored(1)],
  ['hangs', { kind: 'hanging' }, exhausted(/^not done within itemTimeout \(10s\)$/)],
  ['hangs-once', { kind: 'hanging', times: 1 }, stored(2)],
  ['drops', { kind: 'broken' }, exhausted(/terminated/)],
  ['drops-once', { kind: 'broken', times: 1 }, stored(2)],
  ['resets', { kind: 'resetting' }, exhausted(/terminated: .*ECONNRESET/)],
  ['resets-once', { kind: 'resetting', times: 1 }, stored(2)],
  ['promises-more', { kind: 'lying' }, exhausted(/terminated/)],
  ['promises-more-once', { kind: 'lying', times: 1 }, stored(2)],
  ['circles', { kind: 'circling' }, exhausted(/redirect count exceeded/)],
  ['fails', { kind: 'failing' }, exhausted(/^HTTP 500$/)],
  ['fails-twice', { kind: 'failing', times: 2 }, stored(3)],
  ['gone', { kind: 'gone' }, permanent(/^HTTP 404$/)],
  ['removed', { kind: 'removed' }, permanent(/^HTTP 410$/)],
];

/** Larger than the part of an upload, so that there is one to break off; an endless body reaches it within seconds. */
const maxItemSize = '10MB';
const countOfNeighbours = 20;

async function misbehave(id: string, misbehaviour: Misbehaviour): Promise<void> {
  const body = JSON.stringify({ id, ...misbehaviour });
  const answer = await fetch(`${world.stack.site.address}/behaviour`, { method: 'POST', body });
  assert.ok(answer.ok, await answer.text());
}

describe('a run with origins that misbehave', { concurrency: true, timeout: 180_000 }, () => {
  it('ends each item as its origin deserves, and its neighbours as ever', async () => {
    const place = uniqueName('origin');
    const bad = origins.map(([name]) => `${name}-${place}`);
    const good = Array.from({ length: countOfNeighbours }, (_, n) => `${place}-${n}`);
    for (const [n, [, misbehaviour]] of origins.entries()) await misbehave(bad[n]!, misbehaviour);
    const keys = [...bad, ...good];
    const run = await startRun(
      world,
      'origin',
      { keys },
      { workers: 2, concurrency: 8, attempts, itemTimeout },
    );
    const { runFolder } = await run.handle.result();
    const results = new Map(
      (await resultsOf(world, runFolder)).map((line) => [line.key, line] as const),
    );
    const wanted = origins.map(([, , expected]) => expected);
    for (const [n, { error, ...figures }] of [...wanted, ...good.map(() => stored(1))].entries()) {
      const key = keys[n]!;
      const line = results.get(key);
      assert.ok(line !== undefined);
      const { outcome, attempts: tries, reason } = line;
      const seen = { outcome, attempts: tries, ...(reason === null ? {} : { reason }) };
      assert.deepEqual(seen, figures, `${key}: ${line.error}`);
      if (error !== undefined) assert.match(line.error ?? '', error, key);
      if (outcome === 'stored') await assertStored(run.prefix, key, clipOf(key));
    }
    await assertClean(run, runFolder, results.values());
  });

  it('stores what Content-Length says where more comes, and gives none of the rest to a neighbour', async () => {
    const place = uniqueName('surplus');
    const keys = Array.from({ length: 12 }, (_, n) => `${place}-${n}`);
    const liars = keys.filter((_, n) => n % 3 === 0);
    for (const key of liars) await misbehave(key, { kind: 'surplus' });
    // One after another, so that each finds the connection of the one before.
    const run = await startRun(world, 'surplus', { keys }, { workers: 1, concurrency: 1 });
    const result = await run.handle.result();
    assert.equal(result.stored, keys.length);
    for (const key of keys) {
      const clip = clipOf(key);
      const surplusBytes = liars.includes(key) ? 10_000 : 0;
      await assertStored(run.prefix, key, clip.subarray(0, clip.length - surplusBytes));
    }
    await assertClean(run, result.runFolder, await resultsOf(world, result.runFolder));
  });

  for (const kind of ['http', 'yt-dlp', 'command'] as const) {
    it(`stops an endless item of ${kind} at maxItemSize`, async () => {
      const place = uniqueName('neighbour');
      const keys = [`endless-${place}`, `${place}-1`, `${place}-2`];
      if (kind !== 'command') await misbehave(keys[0]!, { kind: 'endless' });
      const url = `${world.stack.site.address}/watch?v={key}`;
      const tasks: Record<typeof kind, RunSpecInput['task']> = {
        http: clips(world),
        'yt-dlp': { kind: 'yt-dlp', url, format: 'best' },
        command: { kind: 'command', name: 'endless', extension: 'mp4' },
      };
      const run = await startRun(
        world,
        'endless',
        { keys },
        { task: tasks[kind], workers: 1, concurrency: 3, attempts, maxItemSize },
      );
      const result = await run.handle.result();
      assert.deepEqual([result.stored, result.failed], [2, 1]);
      const results = await resultsOf(world, result.runFolder);
      assert.match(results[0]?.error ?? '', /^larger than maxItemSize \(10MB\)$/);
      assert.deepEqual([results[0]?.reason, results[0]?.attempts], ['permanent', 1]);
      for (const key of keys.slice(1)) {
        await assertStored(run.prefix, key, kind === 'command' ? Buffer.from(key) : clipOf(key));
      }
      await assertClean(run, result.runFolder, results);
    });
  }
});

async function assertStored(prefix: string, key: string, wanted: Uint8Array): Promise<void> {
  const bytes = await readFile(join(world.stack.bucketFolder, prefix, `${key}.mp4`));
  assert.ok(bytes.equals(wanted), `${key} has ${bytes.length} bytes, ${wanted.length} wanted`);
}

/** Whatever failed left no object and no file; the run's books are right. */
async function assertClean(
  run: Awaited<ReturnType<typeof startRun>>,
  runFolder: string,
  results: Iterable<{ key: string; outcome: string }>,
): Promise<void> {
  const kept = [...results].filter(({ outcome }) => outcome === 'stored');
  const objects = kept.map(({ key }) => `${key}.mp4`).toSorted();
  assert.deepEqual(await world.objects(run.prefix), objects);
  const audit = await world.audit(runFolder);
  assert.deepEqual([audit.problems, audit.otherObjects], [[], 0]);
  await assertNothingLeft(world, run);
}
