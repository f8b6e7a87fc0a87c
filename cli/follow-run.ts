import type { WorkflowHandle } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../activities/cloud-error.ts';
import type { Progress, RunResult } from '../domain/progress.ts';
import { endOf } from './run-end.ts';
import type { RunEnd } from './run-end.ts';

/** Asking costs a workflow task each time; a person sees no more than this. */
const askEveryMs = 1_000;
/** A Temporal worker answers in milliseconds; one that replays a long history first, in seconds. */
const answerWithinMs = 10_000;
/** A run that has just been started, or a Temporal worker that is being replaced, is silent for less. */
const silenceToTellMs = 10_000;

/** Who hears how a run gets on. */
export type Follower = {
  readonly show: (progress: Progress) => void;
  /** The run goes on as far as Temporal knows, but nobody answers for it. */
  readonly tellSilence?: (reason: string) => void;
};

/**
 * Waits for a run's end, asking for its progress about once a second meanwhile.
 * @returns null when the signal ended the waiting; the run goes on.
 * @throws Error when Temporal could not be asked.
 */
export async function followRun(
  handle: WorkflowHandle,
  follower: Follower,
  signal?: AbortSignal,
): Promise<RunEnd | null> {
  const ended = new AbortController();
  const stop = AbortSignal.any(signal === undefined ? [ended.signal] : [ended.signal, signal]);
  const asking = askOnAndOn(handle, follower, stop);
  const end = await Promise.race([endRun(handle), ...(signal === undefined ? [] : [gone(signal)])]);
  ended.abort();
  if (end === null) return null;
  await asking;
  // The last word: between two questions the run has gone on to its end. What matters of that is in the end itself.
  const answer = await askProgress(handle);
  if (typeof answer === 'object') follower.show(answer);
  return end;
}

/**
 * Waits for the end alone.
 * @throws Error when Temporal could not be asked.
 */
export async function endRun(handle: WorkflowHandle): Promise<RunEnd> {
  try {
    return { kind: 'completed', result: (await handle.result()) as RunResult };
  } catch (error) {
    const end = endOf(error);
    if (end !== null) return end;
    throw new Error(
      `follow run "${handle.workflowId}": ${describeError(error)} — the run does not need us; watch it again`,
      { cause: error },
    );
  }
}

function gone(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}

async function askOnAndOn(
  handle: WorkflowHandle,
  { show, tellSilence }: Follower,
  signal: AbortSignal,
): Promise<void> {
  let heardAtMs = performance.now();
  while (!signal.aborted) {
    const answer = await askProgress(handle);
    if (signal.aborted) return;
    if (typeof answer === 'object') {
      heardAtMs = performance.now();
      show(answer);
    } else if (performance.now() - heardAtMs > silenceToTellMs) {
      tellSilence?.(answer);
    }
    await sleep(askEveryMs, undefined, { signal }).catch(() => {});
  }
}

/** The progress, or in words why there is none: not a word yet, or the Temporal worker is being started again. */
export async function askProgress(handle: WorkflowHandle): Promise<Progress | string> {
  try {
    return await handle.client.withDeadline(Date.now() + answerWithinMs, () =>
      handle.query<Progress>('progress'),
    );
  } catch (error) {
    return describeError(error);
  }
}
