import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { RunResult } from '../../../domain/progress.ts';
import { sampleInput } from '../../../infra/local/directions.ts';
import { clipOf } from '../../../infra/local/site/clip.ts';
import { podsOf } from '../../support/cluster-pods.ts';
import { linesOf, nameOf } from '../../support/clip-run.ts';
import { assertNothingLeft } from '../../support/cluster-run.ts';
import { startClusterStack } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

const world = await startClusterStack();

const items = 200;
const pods = 4;
const nodesWanted = 2;
/** Of a node's cores, what a pod asks for: two have room beside what the system needs, a third has not. */
const shareOfNode = 0.4;

/** What makes the scheduler use a second node, however empty the first one is. */
async function twoToANode() {
  const { items: nodes } = await world.core.listNode();
  const cores = nodes.map(({ status }) => Number(status?.allocatable?.['cpu'] ?? 'NaN'));
  const cpu = `${Math.floor(Math.max(...cores) * shareOfNode * 1000)}m`;
  return { requests: { cpu, memory: '256Mi' }, limits: { memory: '1Gi' } };
}

export function define(): void {
  describe('two hundred ids through four pods on two nodes', { timeout: 400_000 }, () => {
    it('are downloaded by the real yt-dlp, counted exactly, and leave nothing behind', async () => {
      const list = await readFile(
        new URL('../../../examples/youtube-ids', import.meta.url),
        'utf8',
      );
      const ids = list.split('\n').slice(0, items);
      const goneText = await readFile(
        new URL('../../../examples/gone-ids', import.meta.url),
        'utf8',
      );
      const gone = new Set(goneText.split('\n'));
      const prefix = 'two-hundred';
      const handle = await world.start(prefix, {
        ...sampleInput(world.stack, items),
        destination: `gs://spotloop-local/${prefix}/`,
        workers: pods,
        concurrency: 1,
        pod: { resources: await twoToANode() },
      });
      const run = { handle, name: nameOf(handle), keys: ids, prefix };
      await waitUntil(async () => {
        const nodes = (await podsOf(world, run)).map(({ spec }) => spec?.nodeName);
        return nodes.length === pods && new Set(nodes).size >= nodesWanted;
      });
      const result: RunResult = await handle.result();
      const present = ids.filter((id) => !gone.has(id));
      assert.deepEqual(
        [result.total, result.stored, result.failed, result.quarantined],
        [items, present.length, items - present.length, 0],
      );
      assert.deepEqual(await world.objects(prefix), present.map((id) => `${id}.mp4`).toSorted());
      for (const id of present) {
        const bytes = await readFile(join(world.stack.bucketFolder, prefix, `${id}.mp4`));
        assert.ok(bytes.equals(clipOf(id)), `${id} differs from what the site serves`);
      }
      assert.deepEqual(
        (await linesOf(world, result.runFolder, 'failed.txt')).toSorted(),
        ids.filter((id) => gone.has(id)).toSorted(),
      );
      await assertNothingLeft(world, run);
    });
  });
}
