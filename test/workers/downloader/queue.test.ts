import { equal, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeItem, encodeItem } from '../../../domain/item.ts';
import { textOf } from '../../../workers/downloader/queue.ts';
import { damage, foreignText, harms } from '../../support/foreign.ts';
import { fuzz } from '../../support/fuzz.ts';

describe("a message's text", () => {
  it('is what was sent, or nothing: no wrong byte makes an item another one', async () => {
    const right = foreignText
      .filter((key) => key !== '' && key.isWellFormed())
      .map((key) => Buffer.from(encodeItem({ index: 1, key, deaths: 0 })));
    const bytes = fc.oneof(
      fc.uint8Array(),
      right,
      fc.tuple(right, harms).map(([sent, all]) => damage(sent, all)),
    );
    await fuzz(
      fc.property(bytes, fc.boolean(), (sent, asBase64) => {
        const text = textOf(asBase64 ? Buffer.from(sent).toString('base64') : sent);
        if (text !== '') equal(Buffer.compare(Buffer.from(text), sent), 0);
      }),
    );
  });

  it('that is not UTF-8 is no item', () => {
    const sent = Buffer.from(encodeItem({ index: 1, key: 'a?b', deaths: 0 }));
    sent[sent.indexOf('?')] = 0xff;
    throws(() => decodeItem(textOf(sent)), /not an item/);
  });
});
