import { deepEqual, equal } from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openDeadItemMail, openOutcomesMail } from '../../../activities/collect/open-mail.ts';
import { decodeOutcomes, encodeOutcome } from '../../../domain/outcome.ts';
import { outcomeOf } from '../ledger/arbitrary-outcomes.ts';

function mailOf(data: Uint8Array | string, attributes: Record<string, string> = {}) {
  return { ackId: 'a', data: Buffer.from(data), attributes, publishedAtMs: 0 };
}

test('no message can stop a collector, whatever it holds', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.constantFrom('outcomes', 'beat', 'other'), (bytes, kind) => {
      openOutcomesMail(mailOf(bytes, { kind }));
      openDeadItemMail(mailOf(bytes, { CloudPubSubDeadLetterSourceDeliveryCount: kind }), 1);
    }),
  );
});

test('good lines are read and the others counted, in any mixture', () => {
  const bad = fc.constantFrom('{}', 'no json', '{"kind":"stored","index":-1}', '[]', 'null');
  const line = fc.oneof(outcomeOf(9).map(encodeOutcome), bad);
  fc.assert(
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
