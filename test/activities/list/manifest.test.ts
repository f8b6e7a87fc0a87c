import { deepEqual, match, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeManifest } from '../../../activities/list/manifest.ts';
import type { Manifest } from '../../../activities/list/manifest.ts';
import { objectName } from '../../../domain/object-name.ts';
import { spoiled } from '../../support/foreign.ts';
import { fuzz } from '../../support/fuzz.ts';
import { specOf } from '../world.ts';

const { items: _, ...spec } = specOf({ items: ['a'], destination: 'gs://bucket/v/' });
const manifest: Manifest = {
  version: 1,
  run: 'nightly-0c1d2e3f4a5b',
  workflowId: 'nightly',
  items: 'gs://bucket/list',
  snapshot: { total: 3, published: 2, duplicates: 1, blankLines: 0 },
  spec,
};

describe('a manifest', () => {
  it('says what was written, but for what JSON has no word for', () => {
    const text = JSON.stringify(manifest);
    deepEqual(decodeManifest(text), JSON.parse(text));
  });

  it('that was changed is refused, or has all that a run and an audit go by', async () => {
    const text = fc.oneof(
      spoiled(fc.constant(manifest)),
      spoiled(fc.constant(manifest.snapshot)).map((one) =>
        JSON.stringify({ ...manifest, snapshot: 0 }).replace(
          '"snapshot":0',
          () => `"snapshot":${one}`,
        ),
      ),
      spoiled(fc.constant(manifest.spec)).map((one) =>
        JSON.stringify({ ...manifest, spec: 0 }).replace('"spec":0', () => `"spec":${one}`),
      ),
    );
    await fuzz(
      fc.property(text, (given) => {
        let read;
        try {
          read = decodeManifest(given);
        } catch (error) {
          match(
            (error as Error).message,
            /^decode manifest: not what a run writes — it was changed$/,
          );
          return;
        }
        const { total, published } = read.snapshot;
        deepEqual([total, published].map(Number.isSafeInteger), [true, true]);
        objectName(read.spec.destination.prefix, 'k', read.spec.task.extension);
        deepEqual(decodeManifest(given).spec.task, read.spec.task);
      }),
    );
  });

  it('that publishes more than there is, or nothing at all, is refused', () => {
    const more = { ...manifest, snapshot: { ...manifest.snapshot, published: 4 } };
    throws(() => decodeManifest(JSON.stringify(more)));
    throws(() => decodeManifest('{}'));
  });
});
