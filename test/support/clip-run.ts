import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure, WorkflowFailedError } from '@temporalio/client';
import type { ResultLine } from '../../activities/report/result-line.ts';
import { runFolder as folderOf, runName } from '../../domain/names.ts';
import type { Progress, RunResult } from '../../domain/progress.ts';
import type { RunSpecInput } from '../../domain/run-spec.ts';
import { clipOf } from '../../infra/local/site/clip.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { settledOf, waitUntil } from './run-stack.ts';
import type { RunHandle, RunStack } from './run-stack.ts';
import type { Corner } from './cluster-stack.ts';
import { uniqueName } from './unique-name.ts';

/** Runs over clips of the sample site, and what must hold of them. */

/** A run of a test, by the name that all it owns carries. */
export type ClipRun = {
  readonly handle: RunHandle;
  readonly name: string;
  readonly keys: readonly string[];
  /** Under it its objects are. */
  readonly prefix: string;
};

/**
 * A list: so many keys, or these; the site takes so many seconds for each, or for the first of them. A prefix that another run had
 * is its workflow id again, and its destination.
 */
export type Items = (
  { readonly count: number; readonly keys?: undefined } | { readonly keys: readonly string[] }
) & {
  readonly prefix?: string;
  readonly seconds?: number;
  readonly slow?: { readonly first: number; readonly seconds: number };
  readonly trouble?: Trouble;
};

/** How the site misbehaves for the first of a list, so many times each; then it serves them at once. */
export type Trouble = {
  readonly kind: 'failing' | 'throttled' | 'broken' | 'lying';
  readonly first: number;
  readonly times: number;
};

/** The shortest lease that Pub/Sub has: what a dead pod held comes back after it. */
const leaseDeadline = '10s';

/** The task that fetches the site's clips without yt-dlp. */
export function clips(world: RunStack) {
  const url = `${world.stack.site.address}/clips/{key}.mp4`;
  return { kind: 'http', url, extension: 'mp4' } as const;
}

/** Starts a run whose items are clips of the site, fetched by `http`; slow ones take so many seconds each. */
export async function startRun(
  world: RunStack,
  name: string,
  items: Items,
  { corner, ...more }: Partial<RunSpecInput> & { corner?: Pick<Corner, 'taskQueue'> } = {},
): Promise<ClipRun> {
  const { prefix = uniqueName(name) } = items;
  const keys =
    items.keys ?? Array.from({ length: items.count }, (_, position) => `${prefix}-${position}`);
  if (items.seconds !== undefined) await setPace(world, keys, items.seconds);
  const { first, seconds } = items.slow ?? { first: 0, seconds: 0 };
  await setPace(world, keys.slice(0, first), seconds);
  const { first: troubled, ...trouble } = items.trouble ?? { first: 0 };
  for (const id of keys.slice(0, troubled)) await misbehave(world, { id, ...trouble });
  const input = {
    items: [...keys],
    destination: `gs://spotloop-local/${prefix}/`,
    task: clips(world),
    leaseDeadline,
    ...more,
  };
  const handle = await world.start(prefix, input, corner?.taskQueue);
  return { handle, name: nameOf(handle), keys, prefix };
}

/** The name under which a run's Jobs, topics and folder are found. */
export function nameOf(handle: RunHandle): string {
  return runName(handle.workflowId, handle.firstExecutionRunId);
}

/** From now on the site takes so many seconds for each of these clips. */
export async function setPace(
  world: RunStack,
  keys: readonly string[],
  seconds: number,
): Promise<void> {
  for (const id of keys) await misbehave(world, { id, kind: 'slow', seconds });
}

/** Tells the site how to treat a clip: infra/local/site/behaviours.ts. */
async function misbehave(world: RunStack, behaviour: object): Promise<void> {
  const order = { method: 'POST', body: JSON.stringify(behaviour) };
  const answer = await fetch(`${world.stack.site.address}/behaviour`, order);
  assert.ok(answer.ok, await answer.text());
}

/** So quick that what is left of any list is done in seconds; the site knows no zero. */
const hurrySeconds = 0.01;

/** What the run was for was seen: what is left of its list need not take its time. */
export async function hurry(world: RunStack, run: ClipRun): Promise<void> {
  await setPace(world, run.keys, hurrySeconds);
}

export function progressOf({ handle }: ClipRun): Promise<Progress> {
  return handle.query(progressQuery);
}

export async function untilSettled(run: ClipRun, count: number): Promise<void> {
  await waitUntil(async () => (await settledOf(run.handle).catch(() => 0)) >= count);
}

/**
 * Everything that must hold of a run that did all its items but those of objects that were there before: its counts, its bytes, one
 * result each, these last and else in the list's order, an audit that finds nothing, and nothing left.
 */
export async function assertDone(
  world: RunStack,
  run: ClipRun,
  before: readonly string[] = [],
): Promise<RunResult> {
  const result: RunResult = await run.handle.result();
  const { keys, prefix } = run;
  assert.deepEqual(
    [result.total, result.skipped, result.stored],
    [keys.length, before.length, keys.length - before.length],
  );
  assert.deepEqual(await world.objects(prefix), keys.map((key) => `${key}.mp4`).toSorted());
  for (const key of keys) {
    const bytes = await readFile(join(world.stack.bucketFolder, prefix, `${key}.mp4`));
    assert.ok(bytes.equals(clipOf(key)), `${key} differs from what the site serves`);
  }
  const results = await resultsOf(world, result.runFolder);
  const isThere = (key: string): boolean => before.includes(`${key}.mp4`);
  assert.deepEqual(
    results.map(({ key }) => key),
    [...keys.filter((key) => !isThere(key)), ...keys.filter(isThere)],
  );
  const { problems, objects, otherObjects } = await world.audit(result.runFolder);
  assert.deepEqual(problems, []);
  assert.deepEqual([objects, otherObjects], [keys.length, 0]);
  await assertNothingLeft(world, run);
  return result;
}

/** What must hold of a run that was cancelled: an audit that finds nothing, if it had read its list, and nothing left. */
export async function assertCancelled(world: RunStack, run: ClipRun): Promise<void> {
  const { root, snapshot } = folderOf(run.name);
  if ((await world.objects(snapshot)).includes('manifest.json')) {
    const { problems, otherObjects } = await world.audit(`gs://spotloop-local/${root}`);
    assert.deepEqual([problems, otherObjects], [[], 0]);
  }
  await assertNothingLeft(world, run);
}

/** Nothing of a run that ended is left: no topic, no process, no staged file. What a cluster has is seen elsewhere. */
export async function assertNothingLeft(world: RunStack, run: ClipRun): Promise<void> {
  await assertNoQueue(world, run);
  if (world.stack.kubernetes !== undefined) return;
  // Those of a Temporal worker that was killed end by themselves, within their grace time.
  await waitUntil(async () => (await world.processes(run.name)).length === 0);
  await waitUntil(async () => (await world.staged(run.name)).length === 0);
}

/** No topic or subscription of the run is there any more. */
export async function assertNoQueue(world: RunStack, { name }: ClipRun): Promise<void> {
  const left = (await world.queueLeft()).filter((queue) => queue.includes(name));
  assert.deepEqual(left, [], 'topics or subscriptions are left');
}

/** The message and type that a run failed with, as Temporal shows them. */
export async function failureOf({ handle }: ClipRun): Promise<{ type: string; message: string }> {
  try {
    await handle.result();
  } catch (error) {
    assert.ok(error instanceof WorkflowFailedError, String(error));
    const { cause } = error;
    assert.ok(cause instanceof ApplicationFailure, String(cause));
    return { type: cause.type ?? '', message: cause.message };
  }
  return assert.fail('the run did not fail');
}

/** Lines of a run's results, in the list's order. */
export async function resultsOf(world: RunStack, runFolder: string): Promise<ResultLine[]> {
  const text = await world.readRunFile(runFolder, 'results.jsonl');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ResultLine);
}

/** Lines of one of a run's lists of keys. */
export async function linesOf(
  world: RunStack,
  runFolder: string,
  file: 'failed.txt' | 'remaining.txt',
): Promise<string[]> {
  const text = await world.readRunFile(runFolder, file);
  return text.split('\n').filter((line) => line !== '');
}
