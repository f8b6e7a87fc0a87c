import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { enoughUntil, fleetSettleMs, planFleetSize, planScaleUp } from '../../domain/fleet-size.ts';
import type { FleetLook } from '../../domain/fleet-size.ts';
import type { Sample } from '../../domain/sample.ts';
import { firstSample } from '../../domain/sample.ts';

const asOfMs = 1_000_000;

function sampleOf(more: Partial<Sample>): Sample {
  const sample = firstSample({ total: 0, published: 0, duplicates: 0, blankLines: 0 }, asOfMs);
  return { ...sample, heard: 2, ...more };
}

describe('planFleetSize', () => {
  it('is what the items fill the slots of, between min and max', () => {
    const workers = { min: 2, max: 50 };
    assert.equal(planFleetSize(1_000, 4, workers), 50);
    assert.equal(planFleetSize(101, 4, workers), 26);
    assert.equal(planFleetSize(3, 4, workers), 2);
  });

  it('has no downloader without an item, whatever was asked for', () => {
    assert.equal(planFleetSize(3, 1, { min: 6, max: 6 }), 3);
    assert.equal(planFleetSize(0, 4, { min: 1, max: 5 }), 0);
  });

  it('is what was asked for exactly, where there are items for it', () => {
    assert.equal(planFleetSize(1_000_000, 4, { min: 7, max: 7 }), 7);
    assert.equal(planFleetSize(7, 1_000, { min: 7, max: 7 }), 7);
  });

  it('never grows while items become fewer', () => {
    const count = fc.integer({ min: 1, max: 15_000 });
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.integer({ min: 1, max: 1_000 }),
        count,
        count,
        (items, slots, a, b) => {
          const workers = { min: Math.min(a, b), max: Math.max(a, b) };
          assert.ok(
            planFleetSize(items, slots, workers) <= planFleetSize(items + 1, slots, workers),
          );
        },
      ),
    );
  });
});

describe('planScaleUp', () => {
  const look: FleetLook = {
    sample: sampleOf({ heard: 2, holding: 8 }),
    wanted: 2,
    enoughUntilMs: asOfMs,
    waiting: 9,
    outstanding: 17,
    slots: 4,
    workers: { min: 1, max: 10 },
  };

  it('adds what the waiting items fill', () => {
    assert.equal(planScaleUp(look), 5);
    assert.equal(planScaleUp({ ...look, waiting: 1 }), 3);
  });

  it('has min again while anything waits', () => {
    assert.equal(planScaleUp({ ...look, waiting: 1, workers: { min: 6, max: 6 } }), 6);
  });

  it('never goes above what is outstanding or asked for, nor below what there is', () => {
    assert.equal(planScaleUp({ ...look, waiting: 900, outstanding: 1_000 }), 10);
    assert.equal(planScaleUp({ ...look, workers: { min: 2, max: 2 } }), null);
    assert.equal(planScaleUp({ ...look, workers: { min: 1, max: 1 } }), null);
  });

  it('leaves a fleet alone in which somebody idles or is missing, or for which nothing waits', () => {
    assert.equal(planScaleUp({ ...look, waiting: 0 }), null);
    assert.equal(planScaleUp({ ...look, sample: sampleOf({ heard: 2, idle: 1 }) }), null);
    assert.equal(planScaleUp({ ...look, sample: sampleOf({ heard: 1 }) }), null);
  });

  it('leaves a fleet alone for as long as it counts as large enough', () => {
    assert.equal(planScaleUp({ ...look, enoughUntilMs: asOfMs + 1 }), null);
  });
});

describe('enoughUntil', () => {
  it('goes on while all is in hand or somebody idles, and a minute longer', () => {
    assert.equal(enoughUntil(0, sampleOf({}), 0), asOfMs + 60_000);
    assert.equal(enoughUntil(0, sampleOf({ idle: 1 }), 5), asOfMs + 60_000);
  });

  it('goes on after throttling for longer than a downloader pauses by itself', () => {
    assert.equal(enoughUntil(0, sampleOf({ throttled: 1 }), 5), asOfMs + 330_000);
  });

  it('ends when items wait, and is never taken back', () => {
    assert.equal(enoughUntil(7, sampleOf({}), 5), 7);
    const later = asOfMs + fleetSettleMs;
    assert.equal(enoughUntil(later, sampleOf({}), 0), later);
  });
});
