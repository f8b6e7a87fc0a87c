import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DownloadersHeard } from '../../../activities/collect/downloaders-heard.ts';
import type { Beat } from '../../../domain/beat.ts';

const nowMs = 1_000_000;

/** What is known after these beats, which came so many ms ago. */
function countOf(beats: readonly (Partial<Beat> & { agoMs?: number })[]) {
  const heard = new DownloadersHeard();
  for (const [at, { agoMs = 0, ...beat }] of beats.entries()) {
    const plain = { state: 'working', slots: 4, holding: [at], throttled: 0, pauseMs: 0 } as const;
    const whole: Beat = { downloader: `d-${at}`, ...plain, holding: [at], atMs: at, ...beat };
    heard.hear(whole, nowMs - agoMs);
  }
  const { heard: count, pausing, pauseUntilMs } = heard.count(nowMs, () => false);
  return { heard: count, pausing, pauseUntilMs };
}

describe('downloaders that are heard', () => {
  it('pause when they were refused since their last beat, or as long as they said', () => {
    assert.deepEqual(
      countOf([
        { throttled: 1 },
        { pauseMs: 60_000, agoMs: 30_000 },
        { pauseMs: 20_000, agoMs: 30_000 },
        {},
      ]),
      { heard: 4, pausing: 2, pauseUntilMs: 0 },
    );
  });

  it('pause all until the first of them goes on', () => {
    const pauses = [{ pauseMs: 900_000 }, { pauseMs: 700_000, agoMs: 10_000 }];
    assert.deepEqual(countOf(pauses), { heard: 2, pausing: 2, pauseUntilMs: nowMs + 690_000 });
  });

  it('do not pause once they left', () => {
    assert.deepEqual(countOf([{ pauseMs: 900_000, state: 'leaving' }]), {
      heard: 0,
      pausing: 0,
      pauseUntilMs: 0,
    });
  });
});
