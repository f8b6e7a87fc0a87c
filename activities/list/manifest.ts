import { z } from 'zod';
import type { RunSpec } from '../../domain/run-spec.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import { taskSchema } from '../../domain/task.ts';

/** What `snapshot/manifest.json` says. It is written last: while it is missing the snapshot is not there. */
export type Manifest = {
  readonly version: 1;
  readonly run: string;
  readonly workflowId: string;
  /** Where the list came from; an inline one is in the shards. */
  readonly items: string;
  readonly snapshot: Snapshot;
  /** The run's input after parsing, without an inline list. */
  readonly spec: Omit<RunSpec, 'items'>;
};

const count = z.int().nonnegative();

const snapshotSchema = z
  .looseObject({
    total: count,
    published: count,
    duplicates: count,
    blankLines: count,
    gone: count.optional(),
  })
  .refine(({ total, published, gone = 0 }) => published + gone <= total, {
    error: 'more items are published or gone than there are',
  });

/** Of the spec, what an audit goes by: the names of objects follow from it. Whatever else is there stays. */
const manifestSchema = z.looseObject({
  version: z.literal(1),
  run: z.string().min(1),
  workflowId: z.string(),
  items: z.string(),
  snapshot: snapshotSchema,
  spec: z.looseObject({
    destination: z.strictObject({ bucket: z.string().min(1), prefix: z.string() }),
    task: taskSchema,
  }),
});

/** @throws Error whose cause names the fields that are wrong. */
export function decodeManifest(text: string): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(text)) as unknown as Manifest;
  } catch (cause) {
    throw new Error('decode manifest: not what a run writes — it was changed', { cause });
  }
}
