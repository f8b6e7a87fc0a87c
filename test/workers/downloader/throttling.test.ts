import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Assignment } from '../../../domain/assignment.ts';
import { startSite } from '../../../infra/local/site/site.ts';
import type { LoggedRequest, Site } from '../../../infra/local/site/site.ts';
import { createWorld, eventually } from './world.ts';
import type { Run, World } from './world.ts';

/** An item that its origin always refuses, and what its downloader does meanwhile. */
let world: World;
let site: Site;
before(async () => {
  [world, site] = await Promise.all([createWorld(), startSite({})]);
});
after(async () => {
  await site.stop();
  await world.stop();
});

function clips(overrides: Partial<Assignment> = {}): Promise<Run> {
  const url = `${site.address}/clips/{key}.mp4`;
  return world.run({ kind: 'http', url, extension: 'mp4' }, overrides);
}

async function refuse(id: string): Promise<void> {
  const body = JSON.stringify({ id, kind: 'throttled' });
  await fetch(`${site.address}/behaviour`, { method: 'POST', body });
}

async function requestsOf(id: string): Promise<LoggedRequest[]> {
  const log = (await (await fetch(`${site.address}/log`)).json()) as LoggedRequest[];
  return log.filter((request) => request.id === id);
}

describe('an item that is always refused', { concurrency: true }, () => {
  it('does not slow its downloader down once it is known', async () => {
    const run = await clips({ concurrency: 2 });
    await refuse('known');
    const others = Array.from({ length: 60 }, (_, at) => ({ key: `beside-${at}`, index: at + 1 }));
    // Three refusals after which others got through.
    await run.publish([{ key: 'known', refusals: 24 }, ...others]);
    const startedMs = performance.now();
    const downloader = run.start();
    const outcomes = await run.outcomes(others.length);
    // A closed downloader pauses for 2.5 s at least, after each of its refusals.
    assert.ok(performance.now() - startedMs < 20_000);
    assert.ok(outcomes.every(({ kind, attempts }) => kind === 'stored' && attempts === 1));
    const [refused] = await requestsOf('known');
    assert.equal(refused?.as, 'throttled');
    downloader.child.kill('SIGTERM');
    await run.beat(({ state, throttled }) => state === 'leaving' && throttled === 0);
  });

  it('is given up after the last refusal, with its error and no attempt spent', async () => {
    const run = await clips({ attempts: 1 });
    await refuse('hopeless');
    await run.publish([{ key: 'hopeless', refusals: 95 }]);
    run.start();
    const [outcome] = await run.outcomes(1);
    assert.ok(outcome?.kind === 'failed' && outcome.reason === 'exhausted');
    assert.equal(outcome.attempts, 0);
    assert.match(outcome.error, /^HTTP 429 — refused for so long/);
  });

  it('carries what it was refused when it is released', async () => {
    const run = await clips({ concurrency: 1 });
    await refuse('released');
    await run.publish([{ key: 'released', deaths: 1 }]);
    const downloader = run.start();
    await eventually('a refusal', async () => (await requestsOf('released')).length > 0);
    await eventually('the log', () => downloader.stdout().includes('throttled by the origin'));
    downloader.child.kill('SIGTERM');
    assert.equal((await downloader.ended).code, 143);
    const [left] = await run.left();
    const key = 'released';
    assert.deepEqual(left?.item, { index: 0, key, deaths: 1, wasInHand: true, refusals: 1 });
    // The beat before tells how long it would have paused.
    const last = await run.beat(({ state }) => state === 'leaving');
    assert.ok(last.pauseMs > 0 && last.throttled === 1);
  });
});
