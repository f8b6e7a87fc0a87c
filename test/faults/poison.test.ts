import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { assertNothingLeft, resultsOf, startRun } from '../support/clip-run.ts';
import type { ClipRun } from '../support/clip-run.ts';
import { uniqueName } from '../support/unique-name.ts';
import { startFaultStack } from './fault-stack.ts';
import type { FaultStack } from './fault-stack.ts';
import { seededRandom } from './random.ts';

/** Items that make their downloader die, among others, on machines that vanish besides. */

let world: FaultStack;
before(async () => {
  world = await startFaultStack({
    scripts: {
      // As the kernel does where memory ends.
      poison: `case "$SPOTLOOP_KEY" in
        poison*) kill -9 $PPID;;
        *) sleep 0.5; printf %s "$SPOTLOOP_KEY" > "$SPOTLOOP_OUTPUT";;
      esac`,
    },
  });
});
after(() => world.stop());

/** In seconds of a run's life: about as often as its downloaders die of poison. */
const longestBetweenPreemptionsMs = 4_000;

/** Downloaders vanish at moments that nobody chose, some without notice; the rest of `count` happens only while the run lives. */
async function preempt(run: ClipRun, count: number, random: () => number): Promise<number> {
  let done = 0;
  const life = new AbortController();
  const ended = run.handle.result().then(() => life.abort());
  while (done < count && !life.signal.aborted) {
    await Promise.race([ended, sleep(random() * longestBetweenPreemptionsMs)]);
    const pids = await world.downloaders(run.name);
    const pid = pids[Math.floor(random() * pids.length)];
    const signal = random() < 0.5 ? 'SIGTERM' : 'SIGKILL';
    if (pid === undefined) continue;
    try {
      process.kill(pid, signal);
      done += 1;
    } catch {
      // It died of poison meanwhile.
    }
  }
  return done;
}

describe('a run with poison in its list', { concurrency: true, timeout: 280_000 }, () => {
  for (const { workers, concurrency, items, poisonous, preemptions } of [
    { workers: 2, concurrency: 4, items: 100, poisonous: 20, preemptions: 20 },
    { workers: 1, concurrency: 8, items: 20, poisonous: 4, preemptions: 4 },
  ]) {
    const fleet = `${workers} × ${concurrency} slots`;
    it(`quarantines exactly that, and stores the rest, with ${fleet} and ${preemptions} preemptions`, async () => {
      const random = seededRandom(fleet);
      const place = uniqueName('item');
      const isPoison = (n: number): boolean => n % (items / poisonous) === 0;
      const keys = Array.from({ length: items }, (_, n) =>
        isPoison(n) ? `poison-${place}-${n}` : `${place}-${n}`,
      );
      const run = await startRun(
        world,
        'poison',
        { keys },
        {
          task: { kind: 'command', name: 'poison', extension: 'txt' },
          workers,
          concurrency,
          maxItemSize: '1MB',
          // The worst of lists, on purpose.
          tolerateFailures: '100%',
        },
      );
      const preempted = await preempt(run, preemptions, random);
      const result = await run.handle.result();
      assert.equal(preempted, preemptions, 'it was over before all preemptions');

      const results = await resultsOf(world, result.runFolder);
      assert.deepEqual(
        results.filter(({ outcome }) => outcome === 'quarantined').map(({ key }) => key),
        keys.filter((_, n) => isPoison(n)),
      );
      assert.deepEqual([result.stored, result.quarantined], [items - poisonous, poisonous]);
      for (const key of keys.filter((_, n) => !isPoison(n))) {
        const bytes = await readFile(join(world.stack.bucketFolder, run.prefix, `${key}.txt`));
        assert.equal(bytes.toString(), key);
      }
      const attempts = results.map((line) => line.attempts);
      assert.ok(Math.max(...attempts) <= 1, "a death is not the item's fault");
      const audit = await world.audit(result.runFolder);
      assert.deepEqual([audit.problems, audit.otherObjects], [[], 0]);
      await assertNothingLeft(world, run);
    });
  }
});
