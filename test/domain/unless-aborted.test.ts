import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { unlessAborted } from '../../domain/unless-aborted.ts';

describe('waiting for work unless aborted', () => {
  it('rejects with the reason, and leaves no rejection of the work unhandled', async () => {
    const reason = new Error('let go');
    // An unhandled rejection makes the test fail.
    await assert.rejects(
      unlessAborted(AbortSignal.abort(reason), Promise.reject(new Error('late'))),
      reason,
    );
    await turn();
  });
});
