import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { foreignText } from '../support/foreign.ts';
import { fuzz } from '../support/fuzz.ts';
import { maxRunNameLength, queueNames, runName } from '../../domain/names.ts';

const firstRunId = '019a1b2c-3d4e-7f50-8a9b-0c1d2e3f4a5b';

describe('runName', () => {
  it('keeps what can be read of the workflow id', () => {
    assert.equal(runName('Nightly/YouTube 8M', firstRunId), 'nightly-youtube-8m-0c1d2e3f4a5b');
  });

  it('names a run whose workflow id has no letter of ours', () => {
    assert.equal(runName('夜間', firstRunId), 'run-0c1d2e3f4a5b');
  });

  it('tells runs apart whose ids begin with the same time', () => {
    const other = '019a1b2c-3d4e-7f50-8a9b-0c1d2e3f4a5c';
    assert.notEqual(runName('nightly', firstRunId), runName('nightly', other));
  });

  it('fits where it is used, whatever the workflow id', async () => {
    await fuzz(
      fc.property(fc.oneof(fc.string(), foreignText), (workflowId) => {
        const name = runName(workflowId, firstRunId);
        assert.match(name, /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
        assert.ok(name.length <= maxRunNameLength);
        // Pub/Sub: a letter first, at most 255 characters.
        for (const queue of Object.values(queueNames(name)))
          assert.match(queue, /^[a-z][a-z0-9-]{2,254}$/);
      }),
    );
  });
});
