import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { staticTextsOf } from '../../domain/run-description.ts';

describe('the static texts of a run', () => {
  it('say in a line what goes where, and in a table how', () => {
    const { staticSummary, staticDetails = '' } = staticTextsOf({
      items: 'gs://my-bucket/youtube-ids',
      destination: 'gs://my-bucket/videos',
      workers: { min: 1, max: 20 },
      rateLimit: 600,
      timeLimit: '2h',
    });
    equal(staticSummary, 'gs://my-bucket/youtube-ids → gs://my-bucket/videos/ (yt-dlp)');
    for (const row of [
      '| List | `gs://my-bucket/youtube-ids` |',
      '| Downloaders | 1 to 20 |',
      '| Rate limit | 600 items a minute |',
      '| Time limit | 2h |',
    ]) {
      ok(staticDetails.includes(row), staticDetails);
    }
  });

  it('tell no secret of an address, and no key', () => {
    const { staticSummary = '', staticDetails = '' } = staticTextsOf({
      items: 'https://me:word@h.example/list?X-Goog-Signature=secret',
      destination: 'gs://bucket/',
    });
    equal(staticSummary, 'https://h.example/list?… → gs://bucket/ (yt-dlp)');
    ok(!/word|secret/.test(staticDetails), staticDetails);
    const inline = staticTextsOf({ items: ['do-not-tell', 'b'], destination: 'gs://bucket/' });
    ok(!JSON.stringify(inline).includes('do-not-tell'));
    match(inline.staticSummary ?? '', /^2 keys in the input →/);
  });

  it('are no longer than Temporal takes, and as wide as a table is', () => {
    const { staticSummary = '', staticDetails = '' } = staticTextsOf({
      items: `gs://b-1/${'😀|`'.repeat(300)}`,
      destination: 'gs://bucket/',
    });
    ok(Buffer.byteLength(staticSummary) <= 400 && staticSummary.isWellFormed());
    match(staticSummary, /^gs:\/\/b-1\/.*….*\(yt-dlp\)$/s);
    ok(Buffer.byteLength(staticDetails) <= 20_000);
    const table = staticDetails.split('\n').filter((line) => line.startsWith('|'));
    const cells = table.map((line) => line.replaceAll(String.raw`\|`, ''));
    deepEqual([...new Set(cells.map((line) => line.split('|').length))], [4]);
  });

  it('say nothing of an input that is no run', () => {
    deepEqual(staticTextsOf({ items: 3 }), {});
  });
});
