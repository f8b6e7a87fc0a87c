import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { uploadLimitMs, watchUpload } from '../../storage/upload-watch.ts';

const partBytes = 8 * 1024 * 1024;
const limitMs = uploadLimitMs(partBytes);

describe('the watch over an upload', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('lets an upload go on for days while parts get through', () => {
    const watch = watchUpload();
    for (let part = 0; part < 1_000; part += 1) {
      watch.start(partBytes);
      mock.timers.tick(limitMs - 1);
      watch.stop();
      // The origin takes its time.
      mock.timers.tick(limitMs * 10);
    }
    assert.ok(!watch.signal.aborted);
  });

  it('ends one whose service falls silent, and says so', () => {
    const watch = watchUpload();
    watch.start(partBytes);
    mock.timers.tick(limitMs);
    assert.match(
      String(watch.signal.reason),
      /the storage service did not take 8388608 bytes in 2m 28s/,
    );
  });

  it('ends with the attempt', () => {
    const attempt = new AbortController();
    const watch = watchUpload(attempt.signal);
    attempt.abort(new Error('lease lost'));
    assert.match(String(watch.signal.reason), /lease lost/);
  });

  it('gives a small object a third of a minute', () => {
    assert.ok(uploadLimitMs(200_000) < 25_000);
  });
});
