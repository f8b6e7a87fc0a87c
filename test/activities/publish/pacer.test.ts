import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pacer } from '../../../activities/publish/pacer.ts';

describe('a pacer', () => {
  const never = new AbortController().signal;
  /** One item in 200 ms. */
  const itemsPerMinute = 300;

  async function msUntilFirst(itemsJustNow: number): Promise<number> {
    const pacer = new Pacer(itemsPerMinute, never, itemsJustNow);
    const startedMs = performance.now();
    await pacer.due(1);
    return performance.now() - startedMs;
  }

  it('lets the first item go at once, but not the first of a further slice', async () => {
    const first = await msUntilFirst(0);
    assert.ok(first < 100, `${first} ms`);
    // A timer may fire a millisecond early.
    const further = await msUntilFirst(1);
    assert.ok(further >= 198, `${further} ms`);
  });
});
