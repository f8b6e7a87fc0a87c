import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress } from '../../domain/progress.ts';
import type { LoggedRequest } from '../../infra/local/site/site.ts';
import { pauseUpdate, resumeUpdate } from '../../workflows/messages.ts';
import {
  assertDone,
  assertNoQueue,
  failureOf,
  linesOf,
  progressOf,
  resultsOf,
  startRun,
  untilSettled,
} from '../support/clip-run.ts';
import type { ClipRun } from '../support/clip-run.ts';
import { startRunStack, waitUntil } from '../support/run-stack.ts';
import type { RunStack } from '../support/run-stack.ts';

/** A site that asks for patience, a run with a rate, and a run that fails too often: what the site saw of them. */

let world: RunStack;
before(async () => {
  world = await startRunStack();
});
after(() => world.stop());

type Order = { kind: string; retryAfterSeconds?: number };

/** From now on the site does so for whoever asks for an item of a run, told by what its keys begin with. */
async function setSite(prefix: string, order: Order): Promise<void> {
  const body = JSON.stringify({ id: `${prefix}-*`, ...order });
  const answer = await fetch(`${world.stack.site.address}/behaviour`, { method: 'POST', body });
  assert.ok(answer.ok, await answer.text());
}

async function requestsOf({ prefix }: ClipRun): Promise<LoggedRequest[]> {
  const answer = await fetch(`${world.stack.site.address}/log`);
  const log = (await answer.json()) as LoggedRequest[];
  return log.filter(({ id }) => id.startsWith(prefix));
}

/** Everything that a run says of itself until it ends, at each second. */
function listenTo(run: ClipRun) {
  const said: Progress[] = [];
  const over = new AbortController();
  const listening = (async () => {
    while (!over.signal.aborted) {
      said.push(await progressOf(run));
      await sleep(1_000);
    }
  })();
  return async (): Promise<Progress[]> => {
    over.abort();
    await listening;
    return said;
  };
}

/** Requests a minute from the first to the last. */
function perMinute(requests: readonly LoggedRequest[]): number {
  const [first, last] = [requests[0]?.atMs ?? 0, requests.at(-1)?.atMs ?? 0];
  return ((requests.length - 1) * 60_000) / (last - first);
}

async function assertNoAttemptSpent(run: ClipRun, runFolder: string): Promise<void> {
  const results = await resultsOf(world, runFolder);
  assert.deepEqual([...new Set(results.map(({ attempts }) => attempts))], [1]);
  assert.equal(results.length, run.keys.length);
}

/** Side by side: each has its own downloaders, and the site has its own orders for each. */
const sideBySide = { concurrency: true, timeout: 290_000 } as const;

describe('what a site sees of a run', sideBySide, () => {
  it('asks a site that throttles less and less, with fewer downloaders, says so, and stores everything', async () => {
    const run = await startRun(
      world,
      'throttled',
      { count: 60, seconds: 1 },
      { workers: 2, concurrency: 2 },
    );
    const stopListening = listenTo(run);
    await untilSettled(run, 10);
    const unthrottled = await requestsOf(run);
    await setSite(run.prefix, { kind: 'throttled' });
    await waitUntil(async () => / to 1 downloader:/.test((await progressOf(run)).state));
    await setSite(run.prefix, { kind: 'normal' });
    const { runFolder } = await assertDone(world, run);
    await assertNoAttemptSpent(run, runFolder);

    const refused = (await requestsOf(run)).filter(({ as }) => as === 'throttled');
    const seconds = ((refused.at(-1)?.atMs ?? 0) - (refused[0]?.atMs ?? 0)) / 1000;
    const [rate, rateBefore] = [refused.length / seconds, perMinute(unthrottled) / 60];
    process.stdout.write(
      `# the site was asked ${rateBefore.toFixed(2)} times a second before and ${rate.toFixed(2)} while it throttled (${refused.length} in ${seconds.toFixed(0)} s)\n`,
    );
    assert.ok(rate < rateBefore / 5, `${rate} a second after ${rateBefore}`);
    const said = await stopListening();
    const slowed = said.find(({ state }) => / to 1 downloader:/.test(state));
    assert.match(slowed?.state ?? '', /the site asks for patience; unless it gives way by/);
    assert.ok(Date.parse(slowed?.until ?? '') > Date.parse(slowed?.asOf ?? ''));
  });

  it('comes back when the site says, not before', async () => {
    const retryAfterSeconds = 20;
    const run = await startRun(world, 'retry-after', { count: 40, seconds: 2 });
    await untilSettled(run, 4);
    await setSite(run.prefix, { kind: 'throttled', retryAfterSeconds });
    const knocks = async () => (await requestsOf(run)).filter(({ as }) => as === 'throttled');
    // A downloader's attempts under way are refused together; each next time is a knock.
    const times = async () => {
      const all = (await knocks()).map(({ atMs }) => atMs);
      return all.filter((ms, at) => at === 0 || ms - (all[at - 1] ?? 0) > 5_000);
    };
    await waitUntil(async () => (await times()).length >= 3);
    await setSite(run.prefix, { kind: 'normal' });
    const [first = 0, second = 0, third = 0] = await times();
    for (const gapMs of [second - first, third - second]) {
      assert.ok(gapMs >= retryAfterSeconds * 1_000 - 1_500, `${gapMs} ms`);
    }
    const { runFolder } = await assertDone(world, run);
    await assertNoAttemptSpent(run, runFolder);
  });

  it('takes a page that asks for proof of a person for the same', async () => {
    const url = `${world.stack.site.address}/watch?v={key}`;
    const task = { kind: 'yt-dlp', url, format: 'best', extension: 'mp4' } as const;
    const run = await startRun(world, 'bot-check', { count: 12 }, { task, concurrency: 2 });
    await untilSettled(run, 2);
    await setSite(run.prefix, { kind: 'bot-check' });
    const checked = async () => (await requestsOf(run)).filter(({ as }) => as === 'bot-check');
    await waitUntil(async () => (await checked()).length >= 4);
    await setSite(run.prefix, { kind: 'normal' });
    const { runFolder } = await assertDone(world, run);
    await assertNoAttemptSpent(run, runFolder);
  });

  it('keeps its rate within a tenth, before and after a pause, and over all of it', async () => {
    const rateLimit = 300;
    const run = await startRun(world, 'rate', { count: 500 }, { rateLimit, workers: 2 });
    await untilSettled(run, 250);
    await run.handle.executeUpdate(pauseUpdate);
    const pausedAtMs = Date.now();
    // As long as a burst of some fifty would need to gather.
    await sleep(15_000);
    const resumedAtMs = Date.now();
    await run.handle.executeUpdate(resumeUpdate);
    await assertDone(world, run);
    const requests = await requestsOf(run);
    const early = requests.filter(({ atMs }) => atMs < pausedAtMs);
    const late = requests.filter(({ atMs }) => atMs > resumedAtMs);
    const rates = [perMinute(early), perMinute(late)];
    const whole =
      ((requests.length - 1) * 60_000) /
      ((requests.at(-1)?.atMs ?? 0) -
        (requests[0]?.atMs ?? 0) -
        ((late[0]?.atMs ?? 0) - (early.at(-1)?.atMs ?? 0)));
    process.stdout.write(
      `# items a minute at a limit of ${rateLimit}: ${rates.map((rate) => rate.toFixed(0)).join(' before and ')} after a pause, ${whole.toFixed(0)} in all\n`,
    );
    for (const rate of [...rates, whole]) {
      assert.ok(Math.abs(rate / rateLimit - 1) <= 0.1, `${rate} a minute`);
    }
  });

  it('stops early when it fails too often, cleans up and reports', async () => {
    await setSite('failing', { kind: 'gone' });
    const run = await startRun(world, 'failing', { count: 1_000 }, { concurrency: 2 });
    const { type, message } = await failureOf(run);
    assert.equal(type, 'TooManyFailures');
    assert.match(message, /^\d+ of 500 outcomes in a row failed/);
    await assertNoQueue(world, run);
    assert.deepEqual(await world.downloaders(run.name), []);
    const { runFolder } = await progressOf(run);
    const failed = await linesOf(world, runFolder, 'failed.txt');
    const remaining = await linesOf(world, runFolder, 'remaining.txt');
    process.stdout.write(`# ${failed.length} of 1,000 failed before the run stopped\n`);
    assert.ok(failed.length >= 500 && remaining.length > 0, `${failed.length} failed`);
    assert.equal(failed.length + remaining.length, run.keys.length);
    const { problems } = await world.audit(runFolder);
    assert.deepEqual(problems, []);
  });
});
