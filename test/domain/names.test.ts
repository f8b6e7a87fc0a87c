import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { foreignText } from '../support/foreign.ts';
import { fuzz } from '../support/fuzz.ts';
import { maxRunNameLength, queueNames, runName, runNameWithoutTime } from '../../domain/names.ts';

const firstRunId = '019a1b2c-3d4e-7f50-8a9b-0c1d2e3f4a5b';

describe('runName', () => {
  it('keeps what can be read of the workflow id', () => {
    assert.equal(runName('Nightly/YouTube 8M', firstRunId), 'nightly-youtube-8m-0c1d2e3f4a5b');
  });

  it('keeps the time of a schedule, whatever its id', async () => {
    const nameOf = (id: string) => runName(`${id}-2026-11-25T07:00:00Z`, firstRunId);
    assert.equal(nameOf('nightly'), 'nightly-2026-11-25t07-00-00z-0c1d2e3f4a5b');
    assert.equal(
      nameOf('google-developers-new-videos'),
      'google-develope-2026-11-25t07-00-00z-0c1d2e3f4a5b',
    );
    assert.equal(
      nameOf('google-develop--new-videos'),
      'google-develop-2026-11-25t07-00-00z-0c1d2e3f4a5b',
    );
    assert.equal(nameOf('夜間'), '2026-11-25t07-00-00z-0c1d2e3f4a5b');
    await fuzz(
      fc.property(fc.oneof(fc.string(), foreignText), (id) => {
        const name = nameOf(id);
        assert.ok(name.endsWith('2026-11-25t07-00-00z-0c1d2e3f4a5b'), name);
        assert.ok(name.length <= maxRunNameLength);
        assert.match(name, /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
      }),
    );
  });

  it('sorts the runs of a schedule by their time', () => {
    const times = ['2025-12-31T23:00:00Z', '2026-01-01T00:00:00Z', '2026-01-01T10:00:00Z'];
    const names = times.map((time) => runName(`every-video-of-the-channel-${time}`, firstRunId));
    assert.deepEqual(names.toSorted(), names);
  });

  it('was another only where the time was cut', () => {
    for (const id of ['nightly', 'nightly-2026-11-25T07:00:00Z', 'x'.repeat(60), '夜間', '-a-']) {
      assert.equal(runName(id, firstRunId), runNameWithoutTime(id, firstRunId));
    }
    assert.equal(
      runNameWithoutTime('google-developers-new-videos-2026-11-25T07:00:00Z', firstRunId),
      'google-developers-new-videos-2026-11-0c1d2e3f4a5b',
    );
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
