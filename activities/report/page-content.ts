import { formatBytes, formatDuration } from '../../domain/units.ts';
import { drawSeconds, drawThroughput, secondsText } from './charts.ts';
import type { Picture } from './charts.ts';
import type { RunReport } from './run-report.ts';

/** What the template shows, in words and numbers as people read them. Nothing here is escaped yet. */
export function planPage(report: RunReport) {
  return {
    report,
    ending: endingText(report),
    facts: factsOf(report),
    tiles: tilesOf(report),
    throughput: shown(report.throughput.bins.some(isFilled), () => drawThroughput(report)),
    spanText: spanText(report.throughput.binSeconds),
    seconds: shown(report.secondsPerItem.bins.length > 0, () =>
      drawSeconds(report.secondsPerItem.bins),
    ),
    spreads: spreadsOf(report),
    slowest: slowestOf(report),
    goneText: goneText(report),
    settings: settingsOf(report),
    number,
    secondsText,
    formatBytes,
  };
}

/** A count of the headline: what it is called, and which colour it has in every picture. */
export type Tile = {
  readonly kind: keyof RunReport['counts'];
  readonly count: number;
  readonly share: string;
  readonly note: string;
};

const thousands = new Intl.NumberFormat('en-US');

function number(value: number): string {
  return thousands.format(value);
}

/** "second", "15s", "minute": what stands behind "every". */
function spanText(seconds: number): string {
  const single = { 1: 'second', 60: 'minute', 3_600: 'hour', 86_400: 'day' }[seconds];
  return single ?? formatDuration(seconds * 1_000);
}

function shown(isShown: boolean, draw: () => Picture): Picture | null {
  return isShown ? draw() : null;
}

function isFilled(bin: RunReport['throughput']['bins'][number]): boolean {
  return bin.stored + bin.skipped + bin.failed + bin.quarantined > 0;
}

function endingText({ ending, counts, list }: RunReport): {
  kind: string;
  title: string;
  sentence: string;
} {
  const left =
    counts.unsettled === 0
      ? `Every one of ${number(list.total)} items has an outcome.`
      : `${number(counts.unsettled)} of ${number(list.total)} items have no outcome; remaining.txt lists them.`;
  switch (ending.kind) {
    case 'completed':
      return { kind: 'completed', title: 'Completed', sentence: left };
    case 'cancelled':
      return { kind: 'cancelled', title: 'Cancelled', sentence: left };
    case 'failed':
      return {
        kind: 'failed',
        title: `Failed: ${ending.type}`,
        sentence: `${ending.message}\n${left}`,
      };
  }
}

/** "3 items gone since 2026-11-02 (HTTP Error 404: Not Found): not tried, but again after 2026-12-02." */
function goneText({ gone }: RunReport): string | null {
  if (gone === null) return null;
  const { count, since, until, triedAgainFrom, allTriedAgainFrom, errors } = gone;
  const span = (from: string, to: string): string =>
    dayText(from) === dayText(to) ? dayText(from) : `${dayText(from)} to ${dayText(to)}`;
  const [error] = errors;
  const more = errors.length > 1 ? ', and others' : '';
  const why = error === undefined ? '' : ` (${error.message}${more})`;
  return (
    `${number(count)} ${count === 1 ? 'item' : 'items'} gone since ${span(since, until)}${why}: ` +
    `not tried, but again after ${span(triedAgainFrom, allTriedAgainFrom)}. "goneFor": "0" tries all.`
  );
}

/** 2026-11-23T15:11:04.120Z → "2026-11-23". */
function dayText(iso: string): string {
  return iso.slice(0, 10);
}

/** 2026-11-23T15:11:04.120Z → "2026-11-23 15:11:04". */
function timeText(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

function factsOf(report: RunReport): { name: string; value: string }[] {
  const { rates, list, retried, storedBytes } = report;
  const facts = [
    { name: 'Started', value: `${timeText(report.startedAt)} UTC` },
    { name: 'Took', value: formatDuration(report.seconds * 1_000) },
    { name: 'Rate', value: rateText(rates.itemsPerMinute) },
    {
      name: 'Stored',
      value: `${formatBytes(storedBytes)}, ${formatBytes(Math.round(rates.bytesPerSecond))}/s`,
    },
  ];
  if (retried > 0) facts.push({ name: 'More than one attempt', value: `${number(retried)} items` });
  if (list.duplicates > 0) facts.push({ name: 'Duplicate lines', value: number(list.duplicates) });
  if (list.blankLines > 0) facts.push({ name: 'Blank lines', value: number(list.blankLines) });
  return facts;
}

/** Whole numbers of a unit that keeps them above one. */
function rateText(itemsPerMinute: number): string {
  if (itemsPerMinute >= 600) return `${number(Math.round(itemsPerMinute / 60))} items/s`;
  if (itemsPerMinute >= 2) return `${number(Math.round(itemsPerMinute))} items/min`;
  return `${number(Math.round(itemsPerMinute * 60))} items/h`;
}

const notes: Record<Tile['kind'], string> = {
  stored: 'done and in the bucket',
  skipped: 'in the bucket already',
  failed: 'tried, and given up',
  gone: 'not tried: gone before',
  quarantined: 'kept killing their downloader',
  unsettled: 'without an outcome',
};

function tilesOf({ counts, list }: RunReport): Tile[] {
  const kinds: Tile['kind'][] = ['stored', 'skipped', 'gone', 'failed', 'quarantined', 'unsettled'];
  return kinds
    .filter((kind) => counts[kind] > 0 || kind === 'stored' || kind === 'failed')
    .map((kind) => ({
      kind,
      count: counts[kind],
      share: shareText(counts[kind], list.total),
      note: notes[kind],
    }));
}

/** Never 0 % for some nor 100 % for not all. */
function shareText(count: number, total: number): string {
  if (count === 0 || total === 0) return '0%';
  if (count === total) return '100%';
  const percent = (count / total) * 100;
  if (percent < 0.1) return '<0.1%';
  if (percent > 99.9) return '>99.9%';
  return `${percent < 10 || percent > 99 ? percent.toFixed(1) : percent.toFixed(0)}%`;
}

function spreadsOf({ secondsPerItem }: RunReport) {
  return (['stored', 'failed'] as const)
    .map((kind) => ({ kind, ...secondsPerItem[kind] }))
    .filter(({ count }) => count > 0);
}

function slowestOf({ slowest }: RunReport) {
  const longest = slowest[0]?.seconds ?? 0;
  return slowest.map((item) => ({
    ...item,
    percent: longest === 0 ? 0 : Math.round((item.seconds / longest) * 100),
  }));
}

/** The run's input with its defaults, one row a setting, in the words that a user writes. */
function settingsOf({ spec, run, runFolder }: RunReport): { name: string; value: string }[] {
  const { task, destination, workers } = spec;
  const rows: [string, string | undefined][] = [
    ['items', spec.items],
    ['destination', `gs://${destination.bucket}/${destination.prefix}`],
    ['task', Object.entries(task).map(settingText).filter(Boolean).join('\n')],
    ['limit', spec.limit === undefined ? undefined : number(spec.limit)],
    ['fleet', spec.fleet],
    ['workers', workers.min === workers.max ? `${workers.max}` : `${workers.min}–${workers.max}`],
    ['concurrency', `${spec.concurrency}`],
    ['leaseDeadline', formatDuration(spec.leaseDeadlineMs)],
    ['attempts', `${spec.attempts}`],
    ['maxDeaths', `${spec.maxDeaths}`],
    ['itemTimeout', formatDuration(spec.itemTimeoutMs)],
    ['maxItemSize', formatBytes(spec.maxItemSizeBytes)],
    ['idleExit', formatDuration(spec.idleExitMs)],
    ['goneFor', formatDuration(spec.goneForMs)],
    ['timeLimit', spec.timeLimitMs === undefined ? undefined : formatDuration(spec.timeLimitMs)],
    ['rateLimit', spec.rateLimit === undefined ? undefined : `${number(spec.rateLimit)} items/min`],
    ['tolerateFailures', toleratedText(spec.tolerateFailures)],
    ['run', run],
    ['run folder', runFolder],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

function settingText([name, value]: [string, unknown]): string {
  if (Array.isArray(value)) return value.length === 0 ? '' : `${name}: ${value.join(' ')}`;
  if (value === '') return '';
  return name === 'kind' ? String(value) : `${name}: ${String(value)}`;
}

function toleratedText(tolerated: RunReport['spec']['tolerateFailures']): string | undefined {
  if (tolerated === undefined) return undefined;
  return tolerated.kind === 'count' ? number(tolerated.count) : `${tolerated.percent}%`;
}
