import type { Command } from 'commander';
import { parseRunSpec, runSpecFields } from '../domain/run-spec.ts';
import type { RunSpec, RunSpecInput } from '../domain/run-spec.ts';

/** What of a run's input has an option of its own: field → option. */
const optionOf = {
  destination: '--to',
  workers: '--workers',
  concurrency: '--concurrency',
  rateLimit: '--rate-limit',
  limit: '--limit',
} as const;

type Field = keyof typeof optionOf;

/** The options that make a run's input, as they were typed. */
export type RunOptions = {
  readonly to: string;
  readonly workers?: string;
  readonly concurrency?: string;
  readonly rateLimit?: string;
  readonly limit?: string;
  readonly input?: string;
};

/** Adds those options to a command. */
export function withRunOptions(command: Command): Command {
  return command
    .requiredOption('--to <place>', 'where the files go: gs://BUCKET/PREFIX/')
    .option('--workers <n>', 'downloaders')
    .option('--concurrency <n>', 'items that a downloader works on at once')
    .option('--rate-limit <n>', 'items a minute, all downloaders together')
    .option('--limit <n>', 'only the first so many items')
    .option('--input <json>', `more of the run's input: ${runSpecFields.join(', ')}`);
}

export type RunInput = { readonly input: RunSpecInput; readonly spec: RunSpec };

/**
 * The input of a run, checked as the run itself will.
 * @throws Error with all problems, one a line, in the words of the options.
 */
export function runInputFrom(items: string, options: RunOptions): RunInput {
  const problems: string[] = [];
  const more = parseMore(options.input, problems);
  const { to: destination, workers, concurrency, rateLimit, limit } = options;
  const typed = Object.entries({ destination, workers, concurrency, rateLimit, limit }).filter(
    ([, text]) => text !== undefined,
  );
  const given = {
    items: 'the argument',
    ...Object.fromEntries(typed.map(([field]) => [field, optionOf[field as Field]])),
  };
  for (const [field, by] of Object.entries(given)) {
    if (Object.hasOwn(more, field))
      problems.push(`--input: "${field}" is given by ${by}, too — leave one out`);
  }
  const input = {
    items,
    ...Object.fromEntries(
      typed.map(([field, text]) => [field, field === 'destination' ? text : numberOf(text ?? '')]),
    ),
  };
  const parsed = parseRunSpec({ ...more, ...input });
  if (parsed.kind === 'invalid') {
    problems.push(...parsed.problems.map((problem) => `run spec: ${inOptions(problem, given)}`));
  }
  if (problems.length > 0 || parsed.kind === 'invalid') throw new Error(problems.join('\n'));
  return { input: { ...input, ...more } as RunSpecInput, spec: parsed.spec };
}

function parseMore(text: string | undefined, problems: string[]): object {
  if (text === undefined) return {};
  try {
    const more: unknown = JSON.parse(text);
    if (typeof more === 'object' && more !== null && !Array.isArray(more)) return more;
    problems.push(`--input: it is not an object — write it like '{"attempts": 3}'`);
  } catch (error) {
    problems.push(
      `--input: it is not JSON: ${(error as Error).message} — write it like '{"attempts": 3}'`,
    );
  }
  return {};
}

/** What is no number stays as it is, for the run spec's own words about it. */
function numberOf(text: string): number | string {
  const value = Number(text);
  return text.trim() === '' || Number.isNaN(value) ? text : value;
}

/** A person who typed `--workers many` did not write "workers". */
function inOptions(problem: string, given: Readonly<Record<string, string>>): string {
  const [, field = '', rest = ''] = /^"(\w+)"(.*)$/s.exec(problem) ?? [];
  const option = field === 'items' ? undefined : given[field];
  return option === undefined ? problem : `${option}${rest}`;
}
