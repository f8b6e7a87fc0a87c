import { deepEqual } from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { DownloadersHeard } from '../../../activities/collect/downloaders-heard.ts';
import { beatLifetimeMs } from '../../../domain/beat.ts';
import type { Beat } from '../../../domain/beat.ts';

const beatOf = (change: Partial<Beat>): Beat => ({
  downloader: 'one',
  state: 'working',
  slots: 4,
  holding: [],
  throttled: 0,
  pauseMs: 0,
  atMs: 0,
  ...change,
});
const hour = 3_600_000;
const nobody = { heard: 0, idle: 0, holding: 0, throttled: 0, pausing: 0, pauseUntilMs: 0 };

test('believes the beat that Pub/Sub took last, wherever a downloader has set its clock', () => {
  const downloaders = new DownloadersHeard();
  downloaders.hear(beatOf({ atMs: 2 * hour, holding: [1] }), 10);
  downloaders.hear(beatOf({ atMs: hour, holding: [2, 3] }), 20);
  deepEqual(
    downloaders.count(30, () => false),
    { ...nobody, heard: 1, holding: 2 },
  );
  // One that was overtaken on its way.
  downloaders.hear(beatOf({ atMs: 3 * hour, holding: [4] }), 15);
  deepEqual(
    downloaders.count(30, () => false),
    { ...nobody, heard: 1, holding: 2 },
  );
});

test('counts who has left no more, though an earlier beat comes in the same instant', () => {
  const downloaders = new DownloadersHeard();
  downloaders.hear(beatOf({ state: 'leaving' }), 10);
  downloaders.hear(beatOf({ state: 'idle' }), 10);
  deepEqual(
    downloaders.count(11, () => false),
    nobody,
  );
});

test('forgets who was silent for the lifetime of a beat', () => {
  const downloaders = new DownloadersHeard();
  downloaders.hear(beatOf({ atMs: hour }), 0);
  deepEqual(
    downloaders.count(beatLifetimeMs + 1, () => false),
    nobody,
  );
});

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
    deepEqual(
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
    deepEqual(countOf(pauses), { heard: 2, pausing: 2, pauseUntilMs: nowMs + 690_000 });
  });

  it('do not pause once they left', () => {
    deepEqual(countOf([{ pauseMs: 900_000, state: 'leaving' }]), {
      heard: 0,
      pausing: 0,
      pauseUntilMs: 0,
    });
  });
});
