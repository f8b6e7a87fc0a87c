import { createPart } from '../../../activities/ledger/ledger-log.ts';
import { createWriteReport } from '../../../activities/write-report.ts';
import type { RunRef } from '../../../domain/names.ts';
import { objectMarks } from '../../../domain/object-marks.ts';
import { objectName } from '../../../domain/object-name.ts';
import type { Outcome } from '../../../domain/outcome.ts';
import { uniqueName } from '../../support/unique-name.ts';
import { inActivity, newRun, snapshotListOf, specOf } from '../world.ts';
import type { World } from '../world.ts';

/** A run that ended, in the bucket: snapshot, objects, ledger and report, made by what makes them in a run. */
export type EndedRun = {
  readonly run: RunRef;
  readonly prefix: string;
  /** The object of a key. */
  readonly nameOf: (key: string) => string;
  /** Puts an object there, as a downloader does for this run's item of that index. */
  readonly store: (key: string, index: number, body?: string) => Promise<Outcome>;
  /** Adds a part to the ledger. */
  readonly settle: (part: number, outcomes: readonly Outcome[]) => Promise<void>;
  readonly report: () => Promise<unknown>;
};

/** Begins such a run for these keys; those `present` are in the bucket before it; of a name of its own, unless it is given one. */
export async function beginRun(
  world: World,
  keys: readonly string[],
  {
    present = [],
    run = newRun(world.stack.bucket),
  }: { present?: readonly string[]; run?: RunRef | undefined } = {},
): Promise<EndedRun> {
  const bucket = world.google.storage.bucket(run.bucket);
  const prefix = `${uniqueName('audit')}/`;
  const spec = specOf({
    items: [...keys, ...present],
    destination: `gs://${run.bucket}/${prefix}`,
  });
  const nameOf = (key: string) => objectName(prefix, key, spec.task.extension);
  for (const key of present) await bucket.file(nameOf(key)).save('earlier', { resumable: false });
  const snapshot = await inActivity(snapshotListOf(world), { run, spec });
  return {
    run,
    prefix,
    nameOf,
    store: async (key, index, body = key) => {
      const file = bucket.file(nameOf(key));
      const metadata = { [objectMarks.run]: run.name, [objectMarks.index]: String(index) };
      await file.save(body, { resumable: false, metadata: { metadata } });
      const [{ size, crc32c = null }] = await file.getMetadata();
      return {
        kind: 'stored',
        index,
        attempts: 1,
        seconds: 1,
        atMs: 1_000,
        object: file.name,
        sizeBytes: Number(size),
        crc32c,
      };
    },
    settle: async (part, outcomes) => {
      const writer = { id: 'test', scheduledAtMs: 1 };
      await createPart(bucket, { run: run.name, part, writer }, outcomes);
    },
    report: () =>
      inActivity(createWriteReport(world.google), {
        run,
        spec,
        snapshot,
        ending: { kind: 'completed' },
        startedAtMs: 0,
        endedAtMs: 60_000,
      }),
  };
}
