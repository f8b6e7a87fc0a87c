import type { WorkflowHandle } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Progress, RunResult } from '../../domain/progress.ts';

/** Asking costs a workflow task each time; a person sees no more than this. */
const askEveryMs = 1_000;

/** How a run ended: with its result, or with the reason why not. */
export type RunEnd = { kind: 'completed'; result: RunResult } | { kind: 'failed'; reason: string };

/** Waits for a run's end, asking for its progress about once a second meanwhile. */
export async function followRun(
  handle: WorkflowHandle,
  show: (progress: Progress) => void,
): Promise<RunEnd> {
  const ended = new AbortController();
  const asking = askOnAndOn(handle, show, ended.signal);
  try {
    return { kind: 'completed', result: (await handle.result()) as RunResult };
  } catch (error) {
    return { kind: 'failed', reason: reasonOf(error) };
  } finally {
    ended.abort();
    await asking;
    // The last word: between two questions the run has gone on to its end.
    await ask(handle, show);
  }
}

async function askOnAndOn(
  handle: WorkflowHandle,
  show: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await ask(handle, show);
    await sleep(askEveryMs, undefined, { signal }).catch(() => {});
  }
}

async function ask(handle: WorkflowHandle, show: (progress: Progress) => void): Promise<void> {
  try {
    show(await handle.query<Progress>('progress'));
  } catch {
    // Not a word yet, or the Temporal worker is being started again: the next question is a second away, and an end that
    // matters comes through the result.
  }
}

/** Temporal wraps the cause that a person can use into failures that only say where it was. */
function reasonOf(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error)
    innermost = innermost.cause;
  return innermost instanceof Error ? innermost.message : String(innermost);
}
