import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openDeadItemMail, openOutcomesMail } from '../../../activities/collect/open-mail.ts';
import type { OpenedMail } from '../../../activities/collect/open-mail.ts';
import { decodePart, encodePart } from '../../../activities/ledger/ledger-part.ts';
import { decodeOutcomes, encodeOutcome } from '../../../domain/outcome.ts';
import { damage, foreignText, harms, spoiled } from '../../support/foreign.ts';
import { fuzz } from '../../support/fuzz.ts';
import { failed, outcomeOf, stored } from '../ledger/arbitrary-outcomes.ts';

function mailOf(data: Uint8Array | string, attributes: Record<string, string> = {}) {
  return { ackId: 'a', data: Buffer.from(data), attributes, publishedAtMs: 0 };
}

const beat = { downloader: 'd', state: 'idle', slots: 4, holding: [1], throttled: 0, atMs: 1 };
const item = { index: 4, key: 'k', deaths: 2 };

/** What a collector would write into the ledger can be read from there: else the run could never go on. */
async function assertWritable(opened: OpenedMail): Promise<void> {
  if (opened.kind === 'beat') return;
  const part = await encodePart(opened.outcomes);
  deepEqual((await decodePart(part)).map(encodeOutcome), opened.outcomes.map(encodeOutcome));
}

test('no message can stop a collector, whatever it holds, nor what comes of it its ledger', async () => {
  const text = fc.oneof(
    ...[stored(1), failed(2), beat, item].map((one) => spoiled(fc.constant(one))),
  );
  const bytes = fc.oneof(
    fc.uint8Array(),
    text.map((one) => Buffer.from(one)),
    fc.tuple(text, harms).map(([one, all]) => damage(Buffer.from(one), all)),
  );
  const attributes = fc.oneof(
    fc.constantFrom('outcomes', 'beat', '100', '-3', '9'.repeat(30)),
    foreignText,
  );
  await fuzz(
    fc.asyncProperty(bytes, attributes, async (data, value) => {
      const opened = openOutcomesMail(mailOf(data, { kind: value }));
      deepEqual(openOutcomesMail(mailOf(data, { kind: value })), opened);
      await assertWritable(opened);
      const count = { CloudPubSubDeadLetterSourceDeliveryCount: value };
      await assertWritable(openDeadItemMail(mailOf(data, count), 1));
    }),
  );
});

test('no number of deliveries makes an outcome that nobody can read', async () => {
  const count = { CloudPubSubDeadLetterSourceDeliveryCount: '9'.repeat(30) };
  await assertWritable(openDeadItemMail(mailOf(JSON.stringify(item), count), 1));
});

test('good lines are read and the others counted, in any mixture', () => {
  const bad = fc.constantFrom('{}', 'no json', '{"kind":"stored","index":-1}', '[]', 'null');
  const line = fc.oneof(outcomeOf(9).map(encodeOutcome), bad);
  return fuzz(
    fc.property(fc.array(line), (lines) => {
      const opened = openOutcomesMail(mailOf(lines.join('\n'), { kind: 'outcomes' }));
      const good = lines.filter((text) => text.includes('"atMs"'));
      if (opened.kind !== 'outcomes') throw new Error('it is no beat');
      deepEqual(opened.outcomes.map(encodeOutcome), good);
      equal(opened.refused, lines.length - good.length);
    }),
  );
});

test('an item that Pub/Sub gave up carries its deaths of before and its deliveries', () => {
  const mail = mailOf('{"index":4,"key":"k","deaths":2}', {
    CloudPubSubDeadLetterSourceDeliveryCount: '100',
  });
  const opened = openDeadItemMail(mail, 7);
  deepEqual(opened.kind === 'outcomes' && opened.outcomes, [
    { kind: 'quarantined', index: 4, attempts: 0, seconds: 0, atMs: 7, deaths: 102 },
  ]);
});

test('deaths are a number even where Pub/Sub does not say how often it delivered', () => {
  for (const count of ['', 'many', '-3']) {
    const mail = mailOf('{"index":4,"key":"k","deaths":2}', {
      CloudPubSubDeadLetterSourceDeliveryCount: count,
    });
    const opened = openDeadItemMail(mail, 7);
    if (opened.kind !== 'outcomes') throw new Error('it is no beat');
    equal(decodeOutcomes(opened.outcomes.map(encodeOutcome).join('\n')).length, 1);
  }
});
