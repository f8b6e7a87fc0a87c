import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { podFields } from './pod.ts';
import { taskFields } from './task.ts';

/** Of a name that the user made up so much is repeated: enough to find it again. */
const longestName = 100;

/**
 * Problems that a message names. Temporal takes no failure of 2 MB, and a person who meets so many mends the cause. So
 * much of an input may be wrong that even to word it all takes longer than a workflow may think.
 */
const mostProblemsNamed = 50;

/** What all issues mean to a person who typed `input`: a line for each thing to mend, and {@link mostProblemsNamed} of them at most. */
export function problemsIn(
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
  fields: readonly string[],
): string[] {
  const problems = issues
    .slice(0, mostProblemsNamed + 1)
    .flatMap((issue) => problemsOf(issue, input, fields, mostProblemsNamed + 1));
  if (problems.length <= mostProblemsNamed) return problems;
  return [
    ...problems.slice(0, mostProblemsNamed),
    `more is wrong — mend these ${mostProblemsNamed} first`,
  ];
}

/**
 * What one issue means to a person who typed `input`: a line for each thing to mend, in the words of the run spec, and
 * `most` lines at most.
 */
function problemsOf(
  issue: z.core.$ZodIssue,
  input: unknown,
  fields: readonly string[],
  most: number,
): string[] {
  const path = pathText(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = knownFieldsAt(issue.path, input, fields);
    return issue.keys
      .slice(0, most)
      .map(shortName)
      .map((key) => `unknown field "${path === '' ? '' : `${path}.`}${key}"${nearest(key, known)}`);
  }
  const subject = path === '' ? 'the input' : `"${path}"`;
  const isMissing = 'input' in issue && issue.input === undefined;
  if (path === '' && issue.code === 'invalid_type') {
    return [
      'the input is not an object — write it like {"items": "gs://…", "destination": "gs://…"}',
    ];
  }
  if (isMissing) return [`${subject} is missing${exampleOf(path)}`];
  if (issue.code === 'invalid_key') {
    return issue.issues.slice(0, most).map(({ message }) => `${subject} ${message}`);
  }
  if (path === 'task.kind') return [`unknown task${nearestTask(input)}`];
  if (
    issue.code === 'custom' ||
    issue.code === 'invalid_union' ||
    issue.code === 'invalid_format'
  ) {
    return [`${subject} ${issue.message}`];
  }
  const { message } = issue;
  return [`${subject}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`];
}

function knownFieldsAt(
  path: PropertyKey[],
  input: unknown,
  fields: readonly string[],
): readonly string[] {
  if (path.length === 0) return fields;
  const place = path.join('.');
  const nested = nestedFields.get(place);
  if (nested !== undefined) return nested;
  if (path[0] !== 'task') return [];
  return taskFields.get(taskKindOf(input)) ?? [];
}

/** Fields of the objects that a spec holds beside its task. */
const nestedFields: ReadonlyMap<string, readonly string[]> = new Map([
  ['workers', ['min', 'max']],
  ['pod', podFields],
  ['pod.resources', ['requests', 'limits']],
]);

function taskKindOf(input: unknown): string {
  const kind = (input as { task?: { kind?: unknown } } | null)?.task?.kind;
  return typeof kind === 'string' ? shortName(kind) : '';
}

function nearestTask(input: unknown): string {
  const kind = taskKindOf(input);
  const known = [...taskFields.keys()];
  const hint = kind === '' ? '' : nearest(kind, known);
  return `${kind === '' ? '' : ` "${kind}"`}${hint === '' ? ` — "task.kind" is one of ${known.join(', ')}` : hint}`;
}

/** A misspelling has a third of its letters wrong at most; beyond that a guess would mislead. */
function nearest(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const guess = closest(name, known);
  return distance(name, guess) <= Math.max(2, Math.ceil(guess.length / 3))
    ? ` — did you mean "${guess}"?`
    : ` — known are ${known.join(', ')}`;
}

function exampleOf(path: string): string {
  if (path === 'items')
    return ' — give the address of a list, such as "gs://my-bucket/youtube-ids"';
  if (path === 'destination')
    return ' — give a place for the files, such as "gs://my-bucket/videos/"';
  return '';
}

function pathText(path: PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${shortName(String(part))}`))
    .join('')
    .replace(/^\./, '');
}

function shortName(name: string): string {
  return name.length <= longestName ? name : `${name.slice(0, longestName - 1)}…`;
}
