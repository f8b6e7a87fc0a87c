import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pacer } from '../../../activities/publish/pacer.ts';

describe('a pacer', () => {
  const signal = new AbortController().signal;
  /** One item in 200 ms. */
  const itemsPerMinute = 300;
  const msPerItem = 200;

  const pacerDue = (inMs: number, latestInMs = 60_000) =>
    new Pacer({ itemsPerMinute, dueAtMs: Date.now() + inMs, latestInMs, signal });

  async function msUntilFirst(pacer: Pacer): Promise<number> {
    const startedMs = performance.now();
    await pacer.due(1);
    return performance.now() - startedMs;
  }

  it('lets the first item go when it is due, and says when the next one is', async () => {
    const atOnce = await msUntilFirst(pacerDue(0));
    assert.ok(atOnce < 100, `${atOnce} ms`);
    const pacer = pacerDue(msPerItem);
    const dueAtMs = Date.now() + 2 * msPerItem;
    const later = await msUntilFirst(pacer);
    // A timer may fire a millisecond early.
    assert.ok(later >= msPerItem - 2, `${later} ms`);
    assert.ok(Math.abs(pacer.dueAtMs - dueAtMs) < 50, `${pacer.dueAtMs - dueAtMs} ms off`);
  });

  it('makes up for a moment that was missed, and not for minutes', async () => {
    const pacer = pacerDue(-600_000);
    let items = 0;
    for (; pacer.isDueBefore(performance.now()) || items === 0; items += 1) await pacer.due(1);
    assert.ok(items >= 24 && items <= 28, `${items} items at once`);
  });

  it('does not believe a clock that would have it wait beyond its slice', async () => {
    const waited = await msUntilFirst(pacerDue(3_600_000, 50));
    assert.ok(waited < 1_000, `${waited} ms`);
  });
});
