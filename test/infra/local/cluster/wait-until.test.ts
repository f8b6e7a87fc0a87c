import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntil } from '../../../../infra/local/cluster/wait-until.ts';

const waiting = { doing: 'wait for the thing', timeoutMs: 10_000, pollMs: 1 };

test('the first answer is given back, and errors before it count as none', async () => {
  let asked = 0;
  const answer = await waitUntil(waiting, async () => {
    asked++;
    if (asked === 1) throw new Error('not reachable');
    return asked === 3 && 'there';
  });
  assert.equal(answer, 'there');
});

test('when time is up, the last error is told', async () => {
  const cause = new Error('not reachable');
  const failing = waitUntil({ ...waiting, timeoutMs: 5 }, async () => {
    throw cause;
  });
  const message = 'wait for the thing: not within 0.005 s: not reachable';
  await assert.rejects(failing, (error) => {
    assert.ok(error instanceof Error);
    return error.message === message && error.cause === cause;
  });
});
