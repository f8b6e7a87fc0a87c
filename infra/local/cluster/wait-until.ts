import { setTimeout as sleep } from 'node:timers/promises';

/** What is waited for, for the error, and how long at most. */
export type Waiting = { doing: string; timeoutMs: number; pollMs?: number };

/** Little beside the second or so that the things waited for here take. */
const usualPollMs = 100;

/**
 * Asks again and again until the answer is neither false nor undefined, and gives it back. An error counts as "not yet";
 * the last one is the cause of ours when time is up.
 */
export async function waitUntil<T>(
  { doing, timeoutMs, pollMs = usualPollMs }: Waiting,
  ask: () => Promise<T | false | undefined>,
): Promise<T> {
  const startedAt = performance.now();
  for (;;) {
    let cause: unknown;
    try {
      const answer = await ask();
      if (answer !== false && answer !== undefined) return answer;
    } catch (error) {
      cause = error;
    }
    if (performance.now() - startedAt > timeoutMs) {
      const because = cause instanceof Error ? `: ${cause.message}` : '';
      throw new Error(`${doing}: not within ${timeoutMs / 1000} s${because}`, { cause });
    }
    await sleep(pollMs);
  }
}
