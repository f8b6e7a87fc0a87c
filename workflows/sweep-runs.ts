import { setCurrentDetails } from '@temporalio/workflow';
import { failureTypes } from '../domain/failure-types.ts';
import { leftTexts } from '../domain/sweep.ts';
import type { LeftReason, SweepResult } from '../domain/sweep.ts';
import { parseSweepSpec } from '../domain/sweep-spec.ts';
import type { SweepSpec } from '../domain/sweep-spec.ts';
import { formatDuration } from '../domain/units.ts';
import { number } from './details.ts';
import { runFailure, throwAsRunFailure } from './failure.ts';
import { deleteLeftovers } from './steps.ts';

/**
 * Removes what runs of this installation left that nobody cleaned up after, for they were terminated. Meant for a schedule
 * (docs/operating.md).
 * @param input what a user typed, or nothing: see `domain/sweep-spec.ts`.
 */
export async function sweepRuns(input?: unknown): Promise<SweepResult> {
  const spec = parse(input);
  const age = formatDuration(spec.closedForMs);
  setCurrentDetails(`**looking for what runs left that ended ${age} ago or earlier**`);
  const result = await deleteLeftovers
    .executeWithOptions({ summary: `Remove what runs left that ended ${age} ago or earlier` }, [
      spec,
    ])
    .catch(throwAsRunFailure);
  setCurrentDetails(renderSweep(result));
  return result;
}

function parse(input: unknown): SweepSpec {
  const parsed = parseSweepSpec(input);
  if (parsed.kind === 'valid') return parsed.spec;
  throw runFailure(
    failureTypes.InvalidSweepSpec,
    parsed.problems.map((problem) => `sweep: ${problem}`).join('\n'),
  );
}

/** A sweep's result as the Web UI shows it: Markdown, one table, and what went wrong. */
function renderSweep({ removed, left, problems }: SweepResult): string {
  const { runs, topics, subscriptions, fleets } = removed;
  const reasons = (Object.keys(leftTexts) as LeftReason[]).filter((reason) => left[reason] > 0);
  const rows: [string, number][] = [
    ['Removed: topics', topics],
    ['Removed: subscriptions', subscriptions],
    ['Removed: fleets', fleets],
    ...reasons.map((reason): [string, number] => [`Left: ${leftTexts[reason]}`, left[reason]]),
  ];
  return [
    `**${number(runs)} runs were cleaned up after**`,
    '',
    '| | |',
    '| --- | ---: |',
    ...rows.map(([what, count]) => `| ${what} | ${number(count)} |`),
    '',
    ...problems.map((problem) => `- ${problem}`),
  ].join('\n');
}
