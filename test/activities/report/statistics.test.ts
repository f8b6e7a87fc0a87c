import { equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planSecondsBins } from '../../../activities/report/seconds-bins.ts';
import { SecondsHistogram } from '../../../activities/report/seconds-histogram.ts';
import { Throughput } from '../../../activities/report/throughput.ts';

const seconds = fc.array(fc.double({ min: 0, max: 1e7, noNaN: true }), { minLength: 1 });

test('a quantile is right to two percent, and never above the longest', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.001, max: 9e5, noNaN: true }), { minLength: 1 }),
      (values) => {
        const histogram = new SecondsHistogram();
        for (const value of values) histogram.add(value);
        const sorted = values.toSorted((a, b) => a - b);
        for (const share of [0.5, 0.9, 0.99, 1]) {
          const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
          const found = histogram.quantile(share);
          ok(Math.abs(found - exact) <= exact * 0.02 + 1e-9, `${found} instead of ${exact}`);
          ok(found <= histogram.max);
        }
      },
    ),
  );
});

test('the bins of the picture hold every item once, and follow one another', () => {
  fc.assert(
    fc.property(seconds, seconds, (stored, failed) => {
      const [a, b] = [new SecondsHistogram(), new SecondsHistogram()];
      for (const value of stored) a.add(value);
      for (const value of failed) b.add(value);
      const bins = planSecondsBins(a, b);
      equal(
        bins.reduce((sum, bin) => sum + bin.stored, 0),
        stored.length,
      );
      equal(
        bins.reduce((sum, bin) => sum + bin.failed, 0),
        failed.length,
      );
      for (const [at, bin] of bins.entries()) {
        ok(bin.fromSeconds < bin.toSeconds);
        if (at > 0) equal(bin.fromSeconds, bins[at - 1]?.toSeconds);
      }
    }),
  );
});

test('nothing has no bins', () => {
  equal(planSecondsBins(new SecondsHistogram(), new SecondsHistogram()).length, 0);
});

test('throughput holds every outcome in a bounded number of bins, however long the run and wrong the clocks', () => {
  fc.assert(
    fc.property(
      fc.nat(400 * 86_400_000),
      fc.array(fc.integer({ min: -1e12, max: 1e12 })),
      (lengthMs, times) => {
        const startedAtMs = 1_700_000_000_000;
        const throughput = new Throughput(startedAtMs, startedAtMs + lengthMs);
        for (const at of times) throughput.add('stored', startedAtMs + at, 10);
        ok(throughput.bins.length >= 1 && throughput.bins.length <= 72);
        equal(
          throughput.bins.reduce((sum, bin) => sum + bin.stored, 0),
          times.length,
        );
      },
    ),
  );
});
