import { BarChart } from 'echarts/charts';
import { GridComponent } from 'echarts/components';
import * as echarts from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { formatDuration } from '../../domain/units.ts';
import type { RunReport } from './run-report.ts';
import type { SecondsBin } from './seconds-bins.ts';
import type { ThroughputBin } from './throughput.ts';

echarts.use([BarChart, GridComponent, SVGRenderer]);

/** A picture for a desk and one for a telephone: text in a picture that is scaled can't be read. */
export type Picture = { readonly wide: string; readonly narrow: string };

const sizes = { wide: { width: 880, height: 260 }, narrow: { width: 340, height: 220 } };

/** Colours are CSS variables of the page, so that one picture serves light and dark. */
const text = {
  color: 'var(--quiet)',
  fontSize: 12,
  fontFamily: 'inherit',
};

/** Labels lie inside the picture. */
const around = { outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' } as const;

type Stack = { readonly name: string; readonly color: string; readonly data: readonly number[] };

/** Outcomes in each span of the run's time. */
export function drawThroughput({ throughput }: RunReport): Picture {
  const { bins, binSeconds } = throughput;
  const kinds = ['stored', 'skipped', 'failed', 'quarantined'] as const;
  const of = (kind: (typeof kinds)[number]) => bins.map((bin: ThroughputBin) => bin[kind]);
  return drawBars({
    labels: bins.map((_, at) => (at === 0 ? '0' : formatDuration(at * binSeconds * 1_000))),
    stacks: kinds.map((kind) => ({ name: kind, color: `var(--${kind})`, data: of(kind) })),
  });
}

/** How many items took how long. */
export function drawSeconds(bins: readonly SecondsBin[]): Picture {
  return drawBars({
    labels: bins.map((bin) => secondsText(bin.fromSeconds)),
    stacks: [
      { name: 'stored', color: 'var(--stored)', data: bins.map((bin) => bin.stored) },
      { name: 'failed', color: 'var(--failed)', data: bins.map((bin) => bin.failed) },
    ],
  });
}

/** 0.22 → "220 ms", 4.7 → "4.7 s", 330 → "5m 30s". */
export function secondsText(seconds: number): string {
  if (seconds === 0) return '0 s';
  if (seconds < 1) return `${Number((seconds * 1_000).toPrecision(2))} ms`;
  if (seconds < 60) return `${Number(seconds.toPrecision(2))} s`;
  return formatDuration(seconds * 1_000);
}

type Bars = { readonly labels: readonly string[]; readonly stacks: readonly Stack[] };

function drawBars(bars: Bars): Picture {
  return { wide: draw(bars, sizes.wide), narrow: draw(bars, sizes.narrow) };
}

function draw(bars: Bars, size: { width: number; height: number }): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size });
  const line = { lineStyle: { color: 'var(--rule)' } };
  chart.setOption({
    animation: false,
    grid: { left: 4, right: 8, top: 12, bottom: 4, ...around },
    xAxis: {
      type: 'category',
      data: [...bars.labels],
      axisLine: line,
      axisTick: { show: false },
      axisLabel: { ...text, hideOverlap: true, margin: 10 },
    },
    yAxis: {
      type: 'value',
      minInterval: 1,
      splitNumber: 4,
      splitLine: line,
      axisLabel: { ...text, formatter: compact },
    },
    series: bars.stacks.map(({ name, color, data }) => ({
      type: 'bar',
      name,
      stack: 'all',
      silent: true,
      barCategoryGap: '18%',
      barMaxWidth: 56,
      itemStyle: { color },
      data: [...data],
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** 1200 → "1.2k". */
function compact(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  return value >= 1_000 ? `${value / 1_000}k` : String(value);
}
