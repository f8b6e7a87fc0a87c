import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createRefusals, lonePauseMs } from '../../../workers/downloader/refusals.ts';

describe('refusals of an item', () => {
  it('are the origin’s while nobody else gets through, and a hundred of them are enough', () => {
    const refusals = createRefusals(0);
    const verdicts = Array.from({ length: 23 }, () => refusals.add(7));
    assert.deepEqual([...new Set(verdicts)], ['origin']);
    let more = 0;
    for (; refusals.add(7) !== 'hopeless'; more += 1) assert.ok(more < 100);
  });

  it('are the item’s own from the third on after which others got through', () => {
    const refusals = createRefusals(0);
    const verdicts = Array.from({ length: 13 }, (_, at) => refusals.add(at));
    assert.deepEqual(verdicts, [
      ...Array<string>(3).fill('origin'),
      ...Array<string>(9).fill('item'),
      'hopeless',
    ]);
  });

  it('are not forgotten when it is released', () => {
    let carried = 0;
    let deliveries = 0;
    for (; deliveries < 1_000; deliveries += 1) {
      const refusals = createRefusals(carried);
      if (refusals.add(0) === 'hopeless') break;
      carried = refusals.score;
    }
    assert.ok(deliveries < 100, `${deliveries} deliveries`);
  });

  it('end in any order of things, within a hundred', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 100, maxLength: 100 }), (passes) => {
        const refusals = createRefusals(0);
        let passed = 0;
        const verdicts = passes.map((more) => refusals.add((passed += more)));
        assert.ok(verdicts.includes('hopeless'));
      }),
    );
  });

  it('have the item wait some quarter of an hour in all', () => {
    const refusals = createRefusals(0);
    let waitedMs = 0;
    for (let passed = 0; ; passed += 1) {
      const verdict = refusals.add(passed);
      if (verdict === 'hopeless') break;
      if (verdict === 'item') waitedMs += lonePauseMs(refusals.score, null);
    }
    assert.ok(waitedMs > 5 * 60_000 && waitedMs < 20 * 60_000, `${waitedMs} ms`);
    assert.equal(lonePauseMs(refusals.score, 3_000_000), 3_000_000);
  });
});
