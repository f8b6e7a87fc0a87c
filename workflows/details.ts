import type { Progress } from '../domain/progress.ts';
import { shortText } from '../domain/short-text.ts';
import { formatBytes, formatDuration } from '../domain/units.ts';

/** A blank paragraph: the Web UI (2.42) shows Markdown in a frame that is a line too short. */
const cushion = '\u00A0';

/** The run as the Web UI shows it under "Current details": Markdown, one table. */
export function renderDetails(progress: Progress): string {
  const rows: [string, string][] = [
    ['Total', progress.total === null ? 'not known yet' : number(progress.total)],
    ['Stored', `${number(progress.stored)} (${formatBytes(progress.storedBytes)})`],
    ['Skipped', number(progress.skipped)],
    ['Failed', number(progress.failed)],
  ];
  if (progress.quarantined > 0) rows.push(['Quarantined', number(progress.quarantined)]);
  rows.push(
    [
      'Rate',
      progress.itemsPerMinute === null
        ? '–'
        : `${number(Math.round(progress.itemsPerMinute))} items/min`,
    ],
    [
      'Time left',
      progress.secondsLeft === null ? '–' : formatDuration(progress.secondsLeft * 1000),
    ],
    ['Downloaders', cell(fleetText(progress))],
  );
  const asOf =
    progress.asOf === null ? '' : ` as of ${progress.asOf.slice(0, 19).replace('T', ' ')} UTC`;
  return [
    `**${progress.state}**${asOf}`,
    '',
    '| | |',
    '| --- | ---: |',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    `Run folder: \`${progress.runFolder}\``,
    '',
    cushion,
  ].join('\n');
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
