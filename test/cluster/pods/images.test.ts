import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { failureOf, linesOf, progressOf, startRun } from '../../support/clip-run.ts';
import { assertNothingLeft } from '../../support/cluster-run.ts';
import { addCorner, startClusterStack } from '../../support/cluster-stack.ts';
import type { Corner } from '../../support/cluster-stack.ts';
import { waitUntil } from '../../support/run-stack.ts';

const world = await startClusterStack();

/** Nobody listens there, so pulling fails at once. */
const absent = 'localhost:1/spotloop/downloader:absent';
const wrong = 'Not:An:Image';

export function define(): void {
  describe(
    "a run whose downloaders' image is wrong",
    { concurrency: true, timeout: 400_000 },
    () => {
      let corner: Corner;
      before(async () => {
        corner = await addCorner(world, 'images', () => ({
          SPOTLOOP_IMAGES: `${absent},${wrong}`,
        }));
      });
      after(() => corner.stop());

      it('waits for one that cannot be pulled, and says so until it is cancelled', async () => {
        const run = await startRun(
          world,
          'no-image',
          { count: 3 },
          { corner, pod: { image: absent } },
        );
        await waitUntil(async () => {
          const { state } = await progressOf(run);
          return /waiting for image localhost:1\/.*: (ErrImagePull|ImagePullBackOff): /.test(state);
        });
        await run.handle.cancel();
        await assert.rejects(run.handle.result(), { name: 'WorkflowFailedError' });
        const { settled, unsettled, runFolder } = await progressOf(run);
        assert.deepEqual([settled, unsettled], [0, 3]);
        assert.deepEqual(await linesOf(world, runFolder, 'remaining.txt'), run.keys);
        await assertNothingLeft(world, run, corner.namespace);
      });

      it('fails at once for one whose name can be none', async () => {
        const run = await startRun(
          world,
          'bad-image',
          { count: 3 },
          { corner, pod: { image: wrong } },
        );
        const { type, message } = await failureOf(run);
        assert.equal(type, 'FleetFailed');
        assert.match(message, /^Job .*: image Not:An:Image: InvalidImageName: /);
        await assertNothingLeft(world, run, corner.namespace);
      });

      it('names one that is none of those allowed', async () => {
        const pod = { image: 'docker.io/somebody/else:1' };
        const run = await startRun(world, 'other-image', { count: 2 }, { corner, pod });
        const { type, message } = await failureOf(run);
        assert.equal(type, 'PreflightFailed');
        assert.match(
          message,
          /"pod.image" docker.io\/somebody\/else:1 is not allowed here — choose among/,
        );
      });
    },
  );
}
