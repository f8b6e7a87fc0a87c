import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nextSliceMs } from '../../domain/poll-schedule.ts';
import { addPublishMark, planPublishing, publishedBy } from '../../domain/publish-plan.ts';
import type { PublishLook, PublishMark } from '../../domain/publish-plan.ts';

const look: PublishLook = {
  itemsPerMinute: 600,
  nowMs: 1_000_000,
  sliceMs: 10_000,
  dueAtMs: 1_000_050,
  inFlight: 0,
  slots: 8,
};

describe('planPublishing', () => {
  it('goes on when the next item is due while the queue is taken', () => {
    assert.equal(planPublishing(look), 1_000_050);
    assert.equal(planPublishing({ ...look, inFlight: 8 }), 1_000_050);
    assert.equal(planPublishing({ ...look, inFlight: null }), 1_000_050);
  });

  it('waits for the time of those that wait beyond what is in hand or just done', () => {
    // Eight in hand, thirty done and not told yet: twenty wait, two seconds' worth.
    assert.equal(planPublishing({ ...look, inFlight: 58 }), 1_002_000);
    assert.equal(planPublishing({ ...look, inFlight: 500 }), null);
  });

  it('brings no more than a slice for downloaders that are not there', () => {
    assert.equal(planPublishing({ ...look, slots: 0, inFlight: 0 }), 1_000_050);
    assert.equal(planPublishing({ ...look, slots: 0, inFlight: 100 }), null);
  });

  it('has nothing for a slice in which nothing is due', () => {
    assert.equal(planPublishing({ ...look, dueAtMs: 1_010_000 }), null);
  });

  it('keeps the backlog of an absent fleet within some slices, and its rate when it is back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 30, max: 60_000 }),
        fc.integer({ min: 1, max: 120 }),
        (itemsPerMinute, absentMinutes) => {
          const perMs = itemsPerMinute / 60_000;
          const clock = { nowMs: 0 };
          let published = 0;
          let taken = 0;
          let dueAtMs = 0;
          const slice = (slots: number): void => {
            const sliceMs = nextSliceMs(clock.nowMs);
            const at = planPublishing({
              itemsPerMinute,
              nowMs: clock.nowMs,
              sliceMs,
              dueAtMs,
              inFlight: published - taken,
              slots,
            });
            clock.nowMs += sliceMs;
            if (at === null) return;
            // An item may be due right at the slice's beginning.
            const items = Math.max(
              1,
              Math.floor((clock.nowMs - Math.max(at, clock.nowMs - sliceMs)) * perMs),
            );
            published += items;
            dueAtMs = Math.max(at, clock.nowMs - sliceMs) + items / perMs;
          };
          const isOver = (atMs: number): boolean => clock.nowMs >= atMs;
          while (!isOver(absentMinutes * 60_000)) slice(0);
          assert.ok(
            published <= 2 * Math.ceil(nextSliceMs(clock.nowMs) * perMs) + 2,
            `${published} wait after ${absentMinutes} min at ${itemsPerMinute}`,
          );
          const [backAtMs, before] = [clock.nowMs, published];
          while (!isOver(backAtMs + 3_600_000)) {
            taken = published;
            slice(1_000_000);
          }
          const perMinute = ((published - before) * 60_000) / (clock.nowMs - backAtMs);
          assert.ok(Math.abs(perMinute / itemsPerMinute - 1) < 0.1, `${perMinute} a minute`);
        },
      ),
    );
  });
});

describe('publishedBy', () => {
  it('is even between two marks, and what is known outside of them', () => {
    const marks = [
      { atMs: 100, published: 10 },
      { atMs: 200, published: 30 },
      { atMs: 300, published: 30 },
    ].reduce<PublishMark[]>(addPublishMark, []);
    assert.equal(publishedBy(marks, 99), null);
    assert.equal(publishedBy(marks, 150), 20);
    assert.equal(publishedBy(marks, 250), 30);
    assert.equal(publishedBy(marks, 999), 30);
  });
});
