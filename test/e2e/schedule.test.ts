import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodeManifest } from '../../activities/list/manifest.ts';
import type { RunSpecInput } from '../../domain/run-spec.ts';
import { startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';

/** Runs that a schedule starts: what is new alone, one after the other, each in a folder that tells its time. */

let world: RunStack;
before(async () => {
  world = await startRunStack();
});
after(() => world.stop());

/** How often the schedules here are due, and how long each of their items takes: so a run is still going on at the next two times. */
const interval = '2s';
const itemSeconds = 5;

/** What `temporal schedule create` is told of each. */
function scheduleOf(id: string, input: RunSpecInput): string[] {
  const options =
    '--overlap-policy Skip --catchup-window 10s --remaining-actions 3 --type downloadRun --task-queue spotloop';
  const named = ['--schedule-id', id, '--workflow-id', id, '--interval', interval];
  const given = ['--input', JSON.stringify(input)];
  return ['schedule', 'create', ...named, ...options.split(' '), ...given];
}

/** The site sends the clips of all whose ids begin like this slowly. */
async function slowDown(prefix: string): Promise<void> {
  const body = JSON.stringify({ id: `${prefix}*`, kind: 'slow', seconds: itemSeconds });
  const { status } = await fetch(`${world.stack.site.address}/behaviour`, { method: 'POST', body });
  assert.equal(status, 204);
}

/** The executions of a schedule so far, oldest first. */
async function executionsOf(id: string) {
  const executions = [];
  const query = `TemporalScheduledById="${id}"`;
  for await (const one of world.client.workflow.list({ query })) executions.push(one);
  return executions.toSorted((a, b) => a.startTime.getTime() - b.startTime.getTime());
}

/**
 * Lets a schedule fire three times, and the list grow while its runs download: the n-th run is to find `lists[n]`.
 * Gives back what each run did.
 */
async function fireThreeTimes(
  id: string,
  input: RunSpecInput,
  grow: (fired: number) => Promise<void>,
) {
  await grow(0);
  await world.temporal(...scheduleOf(id, input));
  for (let fired = 1; fired < 3; fired += 1) {
    // Its list was read before it began to download.
    await waitUntil(async () => {
      const newest = (await executionsOf(id))[fired - 1];
      if (newest === undefined) return false;
      const handle = world.client.workflow.getHandle(newest.workflowId);
      const { phase } = await handle.query<{ phase: string }>('progress');
      return ['downloading', 'ended'].includes(phase);
    });
    await grow(fired);
  }
  await waitUntil(async () => {
    const all = await executionsOf(id);
    return all.length === 3 && all.every(({ status }) => status.name === 'COMPLETED');
  });
  const executions = await executionsOf(id);
  const results = await Promise.all(
    executions.map(({ workflowId }) => world.client.workflow.getHandle(workflowId).result()),
  );
  return { executions, results: results as RunOutcome[] };
}

type RunOutcome = { total: number; stored: number; skipped: number; runFolder: string };

/** How many items a run published. */
async function publishedBy({ runFolder }: RunOutcome): Promise<number> {
  return decodeManifest(await world.readRunFile(runFolder, 'snapshot/manifest.json')).snapshot
    .published;
}

describe('a schedule', { timeout: 300_000 }, () => {
  it('starts runs that publish what is new alone, never two at a time', async () => {
    const id = 'every-clip-that-is-in-this-list';
    await slowDown('s');
    const keys = ['s-a', 's-b', 's-c', 's-d'];
    const list = join(world.stack.logFolder, 'growing');
    const { executions, results } = await fireThreeTimes(
      id,
      {
        items: `file://${list}`,
        destination: 'gs://spotloop-local/scheduled/',
        task: { kind: 'http', url: `${world.stack.site.address}/clips/{key}.mp4` },
      },
      (fired) => writeFile(list, keys.slice(0, 2 + fired).join('\n')),
    );
    assert.deepEqual(
      results.map(({ total, stored, skipped }) => [total, stored, skipped]),
      [
        [2, 2, 0],
        [3, 1, 2],
        [4, 1, 3],
      ],
    );
    assert.deepEqual(await Promise.all(results.map(publishedBy)), [2, 1, 1]);
    assert.deepEqual(await world.asked(keys), [1, 1, 1, 1]);
    assert.deepEqual(await world.queueLeft(), []);

    // Due each two seconds, while each run took five at least.
    const { info } = await world.client.schedule.getHandle(id).describe();
    assert.ok(info.numActionsSkippedOverlap >= 3, `${info.numActionsSkippedOverlap} were skipped`);
    for (const [at, { startTime }] of executions.entries()) {
      const lastEnd = executions[at - 1]?.closeTime;
      assert.ok(
        lastEnd === undefined || lastEnd <= startTime,
        `run ${at} began before the last ended`,
      );
    }

    // The time is in workflow id and folder, though the schedule's id is too long for both.
    for (const [at, { workflowId, searchAttributes }] of executions.entries()) {
      const [time] = searchAttributes['TemporalScheduledStartTime'] as Date[];
      const due = time?.toISOString().replace('.000Z', 'Z') ?? '';
      assert.equal(workflowId, `${id}-${due}`);
      const slug = due.toLowerCase().replaceAll(':', '-');
      assert.match(
        results[at]?.runFolder ?? '',
        new RegExp(`/every-clip-that-${slug}-[0-9a-f]{12}/$`),
      );
    }
    const folders = results.map(({ runFolder }) => runFolder);
    assert.deepEqual(folders.toSorted(), folders, 'the last by name is the latest');
  });

  it('follows a playlist that yt-dlp lists', async () => {
    const ids = ['p-a', 'p-b', 'p-c'];
    await slowDown('p');
    const { site } = world.stack;
    const { results } = await fireThreeTimes(
      'playlist',
      {
        items: `yt-dlp+${site.address}/playlist?list=mine`,
        destination: 'gs://spotloop-local/playlist/',
        task: { kind: 'yt-dlp', url: '{key}' },
      },
      async (fired) => {
        const body = JSON.stringify({ name: 'mine', ids: ids.slice(0, 1 + fired) });
        await fetch(`${site.address}/playlists`, { method: 'POST', body });
      },
    );
    assert.deepEqual(
      results.map(({ total, stored, skipped }) => [total, stored, skipped]),
      [
        [1, 1, 0],
        [2, 1, 1],
        [3, 1, 2],
      ],
    );
    assert.deepEqual(
      await world.objects('playlist'),
      ids.map((id) => `${encodeURIComponent(`${site.address}/watch?v=${id}`)}.mp4`),
    );
    assert.deepEqual(await world.fetched(ids), [1, 1, 1]);
  });
});
