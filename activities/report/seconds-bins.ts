import { middleOf } from './seconds-histogram.ts';
import type { SecondsHistogram } from './seconds-histogram.ts';

/** Preferred numbers (IEC 60063, E6, E12, E24): a decade in steps of equal ratio that a person reads easily. */
const series = [
  [1, 1.5, 2.2, 3.3, 4.7, 6.8],
  [1, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2],
  [
    1, 1.1, 1.2, 1.3, 1.5, 1.6, 1.8, 2, 2.2, 2.4, 2.7, 3, 3.3, 3.6, 3.9, 4.3, 4.7, 5.1, 5.6, 6.2,
    6.8, 7.5, 8.2, 9.1,
  ],
];
/** Fewer bars than this tell little: the next finer series is tried. */
const fewestBins = 8;
/** Decades that a bin's edge may lie in. */
const decades = Array.from({ length: 10 }, (_, at) => at - 3);

/** How many items took from `fromSeconds` to below `toSeconds`. */
export type SecondsBin = {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly stored: number;
  readonly failed: number;
};

/** The two histograms in one set of bins, as few as show their shape, without empty ones at the ends. */
export function planSecondsBins(stored: SecondsHistogram, failed: SecondsHistogram): SecondsBin[] {
  let bins: SecondsBin[] = [];
  for (const steps of series) {
    bins = binsOf(steps, stored, failed);
    if (bins.length >= fewestBins) break;
  }
  return bins;
}

function binsOf(
  steps: readonly number[],
  stored: SecondsHistogram,
  failed: SecondsHistogram,
): SecondsBin[] {
  const edges = decades.flatMap((decade) =>
    steps.map((step) => Number((step * 10 ** decade).toPrecision(2))),
  );
  const bins = edges.map((fromSeconds, at) => ({
    fromSeconds,
    toSeconds: edges[at + 1] ?? Infinity,
    stored: 0,
    failed: 0,
  }));
  for (const [kind, histogram] of [
    ['stored', stored],
    ['failed', failed],
  ] as const) {
    let at = 0;
    for (const [fine, count] of histogram.bins.entries()) {
      while ((bins[at]?.toSeconds ?? Infinity) <= middleOf(fine)) at += 1;
      const bin = bins[at];
      if (bin !== undefined) bin[kind] += count;
    }
  }
  const isFilled = (bin: SecondsBin) => bin.stored + bin.failed > 0;
  return bins.slice(bins.findIndex(isFilled), bins.findLastIndex(isFilled) + 1);
}
