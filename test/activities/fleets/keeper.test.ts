import { equal, match, ok } from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import type {
  DownloaderEnd,
  DownloaderProcess,
} from '../../../activities/fleets/local/downloader-process.ts';
import {
  immediateDeathMs,
  Keeper,
  longestPauseMs,
  maxImmediateDeaths,
} from '../../../activities/fleets/local/keeper.ts';

/** A keeper whose downloaders end when the test says so; its pauses pass when the test says so. */
function newKeeper() {
  const started: { end: (end: DownloaderEnd) => void; wasAsked: boolean }[] = [];
  const keeper = new Keeper(
    (replacement): DownloaderProcess => {
      let end: (end: DownloaderEnd) => void = () => {};
      const ended = new Promise<DownloaderEnd>((resolve) => {
        end = resolve;
      });
      const entry = { end, wasAsked: false };
      started.push(entry);
      const ask = async () => {
        entry.wasAsked = true;
        await ended;
      };
      return { name: `d-${replacement}`, pid: undefined, ended, end: ask };
    },
    () => {},
  );
  const last = async (end: DownloaderEnd) => {
    started.at(-1)?.end(end);
    await settle();
  };
  return { keeper, started, last };
}

/** Lets what waits for promises run; the clock stands still meanwhile. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

const death = (livedMs: number, hasPulled = false): DownloaderEnd => ({
  kind: 'died',
  message: 'it died',
  livedMs,
  hasPulled,
});

describe('Keeper', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('gives up after so many immediate deaths, in about a minute and a half', async () => {
    const { keeper, started, last } = newKeeper();
    keeper.resume();
    let waitedMs = 0;
    while (keeper.state.kind !== 'failed') {
      await last(death(100));
      const before = started.length;
      let pauseMs = 0;
      while (started.length === before && keeper.state.kind === 'waiting') {
        mock.timers.tick(50);
        pauseMs += 50;
      }
      ok(pauseMs <= longestPauseMs);
      waitedMs += pauseMs;
    }
    equal(started.length, maxImmediateDeaths);
    match(keeper.state.message, /^it died \(10 in a row ended right after their start\)$/);
    ok(waitedMs > 40_000 && waitedMs < 150_000, `${waitedMs} ms`);
  });

  it('never gives up on downloaders that worked before they died', async () => {
    const { keeper, started, last } = newKeeper();
    keeper.resume();
    for (let times = 0; times < maxImmediateDeaths * 2; times += 1) {
      // An item may kill one in its first second, again and again.
      await last(times % 2 === 0 ? death(immediateDeathMs) : death(100, true));
      mock.timers.tick(1_000);
    }
    equal(keeper.state.kind, 'live');
    equal(keeper.replaced, maxImmediateDeaths * 2);
    equal(started.length, maxImmediateDeaths * 2 + 1);
  });

  it('starts none any more when it is stopped while it waits', async () => {
    const { keeper, started, last } = newKeeper();
    keeper.resume();
    await last(death(100));
    equal(keeper.state.kind, 'waiting');
    await keeper.stop();
    mock.timers.tick(longestPauseMs);
    equal(started.length, 1);
  });

  it('does not mind how a downloader ends that it asked to', async () => {
    const { keeper, started } = newKeeper();
    keeper.resume();
    keeper.pause();
    ok(started[0]?.wasAsked);
    keeper.resume();
    // The first one still drains; then it dies, which concerns nobody.
    started[0]?.end(death(1));
    await settle();
    equal(keeper.state.kind, 'live');
    equal(started.length, 2);
    const stopped = keeper.stop();
    started[1]?.end({ kind: 'misconfigured', message: 'too late' });
    await stopped;
    equal(keeper.state.kind, 'stopped');
  });
});
