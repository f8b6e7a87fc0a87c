import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { createLeaseKeeper } from '../../../workers/downloader/lease-keeper.ts';
import { noMeter } from '../../../workers/downloader/meter.ts';
import { createLog } from '../../../workers/process/log.ts';

const deadlineMs = 30_000;

/** A keeper whose clock and remote the test holds. */
function createKeeper(renew: (ackIds: readonly string[]) => Promise<void>) {
  let nowMs = 0;
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  const keeper = createLeaseKeeper({
    queue: { renew: (ackIds) => renew(ackIds) },
    deadlineMs,
    meter: noMeter,
    log: createLog({ level: 'fatal', fields: {} }),
    now: () => nowMs,
  });
  return {
    keeper,
    /** Lets time pass in steps of a second, and promises settle in between. */
    pass: async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 1_000) {
        nowMs += 1_000;
        mock.timers.tick(1_000);
        for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
      }
    },
    stop: () => {
      keeper.stop();
      mock.timers.reset();
    },
  };
}

describe('a lease keeper', () => {
  it('renews all leases in one request each third of the deadline, until they are dropped', async () => {
    const renewed: string[][] = [];
    const { keeper, pass, stop } = createKeeper(async (ackIds) => void renewed.push([...ackIds]));
    const a = keeper.hold('a', 0, () => assert.fail());
    keeper.hold('b', 0, () => assert.fail());
    await pass(deadlineMs);
    assert.deepEqual(
      renewed,
      Array.from({ length: 3 }, () => ['a', 'b']),
    );
    keeper.drop(a);
    await pass(deadlineMs / 3);
    assert.deepEqual(renewed.at(-1), ['b']);
    await pass(20 * deadlineMs);
    stop();
  });

  it('renews more than a request may hold in several', async () => {
    const sizes: number[] = [];
    const { keeper, pass, stop } = createKeeper(async (ackIds) => void sizes.push(ackIds.length));
    for (let index = 0; index < 2_500; index += 1) keeper.hold(String(index), 0, () => {});
    await pass(deadlineMs / 3);
    assert.deepEqual(sizes, [1_000, 1_000, 500]);
    stop();
  });

  it('loses a lease once when nothing was confirmed for one deadline, not before', async () => {
    const { keeper, pass, stop } = createKeeper(() => Promise.reject(new Error('unavailable')));
    let lost = 0;
    const lease = keeper.hold('a', 0, () => (lost += 1));
    await pass(deadlineMs - 1_000);
    assert.equal(lost, 0);
    assert.equal(lease.isLost, false);
    await pass(1_000);
    assert.equal(lost, 1);
    assert.equal(lease.isLost, true);
    await pass(deadlineMs);
    assert.equal(lost, 1);
    stop();
  });

  it('counts a lease from when its message was asked for, not from when it came', async () => {
    const { keeper, pass, stop } = createKeeper(() => Promise.reject(new Error('unavailable')));
    await pass(3_000);
    const lease = keeper.hold('a', 0, () => {});
    await pass(deadlineMs - 3_000);
    assert.equal(lease.isLost, true);
    stop();
  });

  it('outlives a remote that is away for less than the deadline', async () => {
    let isAway = false;
    const { keeper, pass, stop } = createKeeper(() =>
      isAway ? Promise.reject(new Error('unavailable')) : Promise.resolve(),
    );
    keeper.hold('a', 0, () => assert.fail('lost'));
    await pass(deadlineMs);
    isAway = true;
    await pass(deadlineMs * 0.6);
    isAway = false;
    await pass(2 * deadlineMs);
    stop();
  });
});
