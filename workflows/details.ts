import type { Progress } from '../domain/progress.ts';
import { code, cushion } from '../domain/run-description.ts';
import type { RunDescription } from '../domain/run-description.ts';
import { countErrors } from '../domain/run-errors.ts';
import type { ErrorCounts } from '../domain/run-errors.ts';
import { shortText } from '../domain/short-text.ts';
import { formatBytes, formatDuration } from '../domain/units.ts';

/** Errors that have a row: the query `errors` tells more. */
const errorsShown = 5;

/** Signs of the bar: each is four in a hundred. */
const barLength = 25;

/** What the details say besides a run's progress. */
export type DetailsSurroundings = {
  readonly description: RunDescription;
  readonly errors: ErrorCounts;
  /** What the run does because origins ask for patience; null when they don't. */
  readonly patience: string | null;
  /** Items in the hands of downloaders. */
  readonly holding: number;
};

/** The run as the Web UI shows it under "Current details": Markdown, a bar, one table, and another of errors. */
export function renderDetails(
  progress: Progress,
  { description, errors, patience, holding }: DetailsSurroundings,
): string {
  const { list, destination, task } = description;
  const rows: [string, string][] = [
    ['Total', progress.total === null ? 'not known yet' : number(progress.total)],
    ['Stored', `${number(progress.stored)} (${formatBytes(progress.storedBytes)})`],
    ['Skipped', number(progress.skipped)],
    ['Failed', number(progress.failed)],
  ];
  if (progress.gone > 0) rows.push(['Gone', number(progress.gone)]);
  if (progress.quarantined > 0) rows.push(['Quarantined', number(progress.quarantined)]);
  rows.push(
    ['Rate', rateText(progress)],
    [
      'Time left',
      progress.secondsLeft === null ? '–' : formatDuration(progress.secondsLeft * 1000),
    ],
    ['Downloaders', cell(fleetText(progress))],
    ['Items in hand', number(holding)],
  );
  if (patience !== null) rows.push(['Patience', patience]);
  const asOf =
    progress.asOf === null ? '' : ` as of ${progress.asOf.slice(0, 19).replace('T', ' ')} UTC`;
  return [
    `**${progress.state}**${asOf}`,
    '',
    ...barLines(progress),
    '| | |',
    '| --- | ---: |',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    ...errorLines(errors),
    `${code(list)} → ${code(destination)} (${task})`,
    '',
    `Run folder: \`${progress.runFolder}\``,
    '',
    cushion,
  ].join('\n');
}

/** Full only when all is settled, and not empty once something is. */
function barLines({ total, settled }: Progress): string[] {
  if (total === null || total === 0) return [];
  const full = settled === 0 ? 0 : Math.max(1, Math.floor((settled / total) * barLength));
  const percent = Math.floor((settled / total) * 100);
  const bar = `${'█'.repeat(full)}${'░'.repeat(barLength - full)}`;
  return [`${bar} ${percent} % (${number(settled)} of ${number(total)})`, ''];
}

function rateText({ itemsPerMinute, rateLimit }: Progress): string {
  const rate = itemsPerMinute === null ? '–' : `${number(Math.round(itemsPerMinute))} items/min`;
  return rateLimit === null ? rate : `${rate} (limit ${rateLimit})`;
}

function errorLines({ errors, others }: ErrorCounts): string[] {
  if (errors.length === 0) return [];
  const shown = errors.slice(0, errorsShown);
  const more = countErrors({ errors: errors.slice(errorsShown), others });
  return [
    '| Items | Error | | For example |',
    '| ---: | --- | --- | --- |',
    ...shown.map(
      ({ count, message, reason, examples }) =>
        `| ${number(count)} | ${code(message)} | ${reason} | ${examples.map(code).join(' ')} |`,
    ),
    ...(more === 0 ? [] : [`| ${number(more)} | others | | |`]),
    '',
  ];
}

function fleetText({ fleet, phase }: Progress): string {
  if (fleet === null) return '–';
  switch (fleet.kind) {
    case 'running':
      return `${fleet.live} of ${fleet.wanted}${replacedText(fleet)}${
        fleet.waitingFor === undefined ? '' : ` — waiting for ${shortText(fleet.waitingFor)}`
      }`;
    case 'suspended':
      return phase === 'paused' ? 'paused' : 'suspended';
    case 'absent':
      return 'none';
    case 'done':
      return 'all ended idle';
    case 'unknown':
      return `not known: ${shortText(fleet.message)}`;
    case 'failed':
      return `failed: ${shortText(fleet.message)}`;
  }
}

function replacedText({ replaced, preempted }: { replaced: number; preempted: number }): string {
  if (replaced === 0) return '';
  return `, ${number(replaced)} replaced${preempted === 0 ? '' : ` (${number(preempted)} preempted)`}`;
}

/** A table has its cells between bars; what a cluster says may hold some. */
function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}

/** 1234567 → "1,234,567". */
export function number(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
