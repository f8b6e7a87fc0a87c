import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { v1 } from '@google-cloud/pubsub';
import { Mailbox, PullRefused } from '../../../activities/collect/mailbox.ts';

/** Refusals of Pub/Sub that its emulator can't be brought to. */

const subscription = 'projects/p/subscriptions/s';

function mailboxOf(subscriber: Record<string, () => Promise<unknown>>, maxMessages = 1_000) {
  const bell = new EventEmitter();
  const mailbox = new Mailbox({
    subscriber: subscriber as unknown as v1.SubscriberClient,
    subscription,
    pulls: 1,
    maxMessages,
    maxBytes: 1_000_000,
  });
  return {
    mailbox,
    rung: () => once(bell, 'ring'),
    open: () => mailbox.open(() => bell.emit('ring')),
  };
}

const refusal = (code: number) => Object.assign(new Error('no'), { code, details: 'no' });

test('goes on pulling when acks are lost: those messages come back by themselves', async () => {
  let pulls = 0;
  const receivedMessages = [{ ackId: 'a', message: { data: new Uint8Array(10) } }];
  const { mailbox, rung, open } = mailboxOf({
    // The first brings a message, the second waits.
    pull: () =>
      (pulls += 1) === 1 ? Promise.resolve([{ receivedMessages }]) : new Promise(() => {}),
    acknowledge: () => Promise.reject(refusal(14)),
  });
  const arrived = rung();
  open();
  await arrived;
  const mail = mailbox.take();
  equal(pulls, 1, 'there is room for one pull only');
  await rejects(mailbox.ack(mail));
  equal(pulls, 2);
});

test('tells a subscription that is not there from one that may not be read', async () => {
  for (const [code, isAbsent] of [
    [5, true],
    [7, false],
  ] as const) {
    const { mailbox, rung, open } = mailboxOf({ pull: () => Promise.reject(refusal(code)) });
    const failed = rung();
    open();
    await failed;
    throws(
      () => mailbox.take(),
      (error: unknown) => {
        ok(error instanceof PullRefused);
        deepEqual(
          [error.isAbsent, error.message],
          [isAbsent, `pull from ${subscription}: no (${code})`],
        );
        return true;
      },
    );
  }
});
