import { goneFolder } from '../../../activities/gone/gone-folder.ts';
import { createPart } from '../../../activities/ledger/ledger-log.ts';
import { readResults } from '../../../activities/report/read-results.ts';
import type { ResultLine } from '../../../activities/report/result-line.ts';
import { createWriteReport } from '../../../activities/write-report.ts';
import type { WriteReportInput } from '../../../activities/write-report.ts';
import type { RunRef } from '../../../domain/names.ts';
import type { Outcome } from '../../../domain/outcome.ts';
import type { RunSpec, RunSpecInput } from '../../../domain/run-spec.ts';
import type { Snapshot } from '../../../domain/snapshot.ts';
import { inActivity, newRun, objectsIn, snapshotListOf, specOf } from '../world.ts';
import type { World } from '../world.ts';

export const dayMs = 24 * 3_600_000;

/** A run whose list was read. */
export type BegunRun = {
  readonly run: RunRef;
  readonly spec: RunSpec;
  readonly snapshot: Snapshot;
};

/** Runs over one destination, by what makes them: their snapshots and their reports, without downloaders. */
export function createScene(world: World, destination: string) {
  const bucket = world.google.storage.bucket(world.stack.bucket);
  const task = { kind: 'http', url: 'https://example.org/{key}' } as const;
  const begin = async (
    items: RunSpecInput['items'],
    more: Partial<RunSpecInput> = {},
  ): Promise<BegunRun> => {
    const run = newRun(world.stack.bucket);
    const spec = specOf({ items, destination, task, ...more });
    const snapshot = await inActivity(snapshotListOf(world), { run, spec });
    return { run, spec, snapshot };
  };
  const end = async (
    { run, spec, snapshot }: BegunRun,
    { agoMs = 0, ...more }: Partial<WriteReportInput> & { agoMs?: number } = {},
  ) => {
    const nowMs = Date.now() - agoMs;
    return inActivity(createWriteReport(world.google), {
      run,
      spec,
      snapshot,
      ending: { kind: 'completed' },
      startedAtMs: nowMs - 60_000,
      endedAtMs: nowMs,
      ...more,
    });
  };
  return {
    bucket,
    begin,
    end,
    /** Puts outcomes into a run's ledger. */
    settle: async ({ run }: BegunRun, outcomes: readonly Outcome[]) => {
      const writer = { id: 'test', scheduledAtMs: 1 };
      await createPart(bucket, { run: run.name, part: 0, writer }, outcomes);
    },
    results: async ({ run, spec, snapshot }: BegunRun): Promise<ResultLine[]> => {
      const results: ResultLine[] = [];
      for await (const lines of readResults({ bucket, run: run.name, spec, snapshot })) {
        results.push(...lines);
      }
      return results;
    },
    /** Names of the objects that remember. */
    memory: () => objectsIn(world, goneFolder(specOf({ items: ['a'], destination, task }))),
  };
}

export function failedFor(
  index: number,
  error: string,
  { agoMs = 0, reason = 'permanent' }: { agoMs?: number; reason?: 'permanent' | 'exhausted' } = {},
): Outcome {
  const atMs = Date.now() - agoMs - 1_000;
  return { kind: 'failed', index, attempts: 1, seconds: 1, atMs, reason, error };
}
