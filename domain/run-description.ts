import { parseRunSpec } from './run-spec.ts';
import type { RunSpec } from './run-spec.ts';
import { formatBytes, formatDuration } from './units.ts';

/** What a run is to do, by its input, in a few words each. */
export type RunDescription = {
  /** The list's address without what may be a secret in it, or how many keys are in the input. */
  readonly list: string;
  readonly destination: string;
  readonly task: string;
};

export function describeRun({ items, destination, task }: RunSpec): RunDescription {
  return {
    list:
      typeof items === 'string'
        ? withoutSecrets(items)
        : `${items.length} key${items.length === 1 ? '' : 's'} in the input`,
    destination: `gs://${destination.bucket}/${destination.prefix}`,
    task: task.kind === 'command' ? `command ${task.name}` : task.kind,
  };
}

/** What a workflow is started with so that the Web UI says what it is. */
export type StaticTexts = { readonly staticSummary: string; readonly staticDetails: string };

/** A blank paragraph: the Web UI (2.42) shows Markdown in a frame that is a line too short. */
export const cushion = '\u00A0';

/** Temporal takes 400 bytes of a summary; this leaves room for letters of several bytes. */
const longestSummary = 200;
const longestSummaryBytes = 400;

/**
 * A run's summary, one line, and details, Markdown, from its input. For whoever starts a run: the workflow itself can't set them.
 * Of an input that is no run's nothing can be said: the run will.
 */
export function staticTextsOf(input: unknown): Partial<StaticTexts> {
  const parsed = parseRunSpec(input);
  if (parsed.kind === 'invalid') return {};
  const { spec } = parsed;
  const { list, destination, task } = describeRun(spec);
  const { workers, concurrency } = spec;
  const rows: [string, string | undefined][] = [
    ['List', code(list)],
    ['Only the first', spec.limit === undefined ? undefined : `${spec.limit} items`],
    ['Destination', code(destination)],
    ['Task', task],
    ['Fleet', spec.fleet],
    [
      'Downloaders',
      workers.min === workers.max ? `${workers.max}` : `${workers.min} to ${workers.max}`,
    ],
    ['Slots of each', String(concurrency)],
    ['Rate limit', spec.rateLimit === undefined ? undefined : `${spec.rateLimit} items a minute`],
    ['Largest item', formatBytes(spec.maxItemSizeBytes)],
    ['Attempts of an item', `${spec.attempts}, ${formatDuration(spec.itemTimeoutMs)} each`],
    ['Time limit', spec.timeLimitMs === undefined ? undefined : formatDuration(spec.timeLimitMs)],
  ];
  const told = rows.filter((row): row is [string, string] => row[1] !== undefined);
  return {
    staticSummary: summaryOf(`${list} → ${destination} (${task})`),
    staticDetails: [
      '| | |',
      '| --- | --- |',
      ...told.map(([name, value]) => `| ${name} | ${value} |`),
      '',
      cushion,
    ].join('\n'),
  };
}

/** In the middle of a long one stands what tells it from others least. */
function summaryOf(text: string): string {
  let half = Math.min(longestSummary, text.length) / 2;
  const cut = (): string =>
    `${text.slice(0, Math.floor(half))}…${text.slice(-Math.floor(half))}`.toWellFormed();
  const size = (summary: string): number => new TextEncoder().encode(summary).length;
  if (text.length <= longestSummary && size(text) <= longestSummaryBytes) return text;
  while (size(cut()) > longestSummaryBytes) half /= 2;
  return cut();
}

/** Who may write to a list's address, or sign in there, stands in it. */
function withoutSecrets(address: string): string {
  return address.replace(/^(https?:\/\/)[^/]*@/, '$1').replace(/^(https?:[^?#]*)[?#].*$/s, '$1?…');
}

/** A foreign text in a cell of a Markdown table, whatever it holds. */
export function code(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').replaceAll('`', "'");
  return `\`${line.replaceAll('|', String.raw`\|`)}\``;
}
