import { setTimeout as sleep } from 'node:timers/promises';
import { isNotFound } from './api-error.ts';
import type { Cluster } from './cluster.ts';
import { isOverdue } from './pod-deaths.ts';
import { isDeleted } from './read-job.ts';

/** Between two looks: downloaders without work end within a second. */
const firstPauseMs = 250;
const longestPauseMs = 2_000;

/**
 * Deletes all Jobs of a run and resolves when they and their pods are gone; absent counts as deleted.
 * @param signal ends the waiting, with an AbortError: another attempt goes on with it.
 */
export async function stopJobs(
  cluster: Cluster,
  run: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    const jobs = await cluster.listJobs(run);
    for (const job of jobs) {
      if (!isDeleted(job)) await unlessGone(cluster.deleteJob(job.metadata?.name ?? ''));
    }
    const pods = await cluster.listPodMetadata(run);
    if (jobs.length === 0 && pods.length === 0) return;
    for (const pod of pods) {
      const name = pod.metadata?.name ?? '';
      if (isOverdue(pod)) await unlessGone(cluster.forgetPod(name));
      // Whoever deleted its Job left it behind.
      else if (jobs.length === 0 && pod.metadata?.deletionTimestamp === undefined) {
        await unlessGone(cluster.deletePod(name));
      }
    }
    await sleep(pauseMs, undefined, { signal });
  }
}

async function unlessGone(call: Promise<void>): Promise<void> {
  await call.catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}
