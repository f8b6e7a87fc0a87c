import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressOf } from '../../../../workers/downloader/tasks/address.ts';

describe('addressOf', () => {
  const watch = 'https://www.youtube.com/watch?v={key}';
  const valid: readonly (readonly [string, string, string])[] = [
    [watch, 'dQw4w9WgXcQ', 'https://www.youtube.com/watch?v=dQw4w9WgXcQ'],
    [watch, '-_0123-_9aZ', 'https://www.youtube.com/watch?v=-_0123-_9aZ'],
    [watch, 'a&list=b#c', 'https://www.youtube.com/watch?v=a%26list%3Db%23c'],
    [watch, '$&$`', 'https://www.youtube.com/watch?v=%24%26%24%60'],
    ['https://x/{key}/{key}', 'a/b', 'https://x/a%2Fb/a%2Fb'],
    ['https://x/{key}', '../../y', 'https://x/..%2F..%2Fy'],
    ['https://x/{key}', '{key}', 'https://x/%7Bkey%7D'],
    ['{key}', 'https://x/a?b=c#d', 'https://x/a?b=c#d'],
    ['{key}', 'HTTP://x/', 'HTTP://x/'],
  ];
  for (const [template, key, url] of valid) {
    it(`fills ${template} with ${key}`, () => {
      assert.deepEqual(addressOf(template, key), { kind: 'url', url });
    });
  }

  const invalid: readonly (readonly [string, string])[] = [
    ['{key}', 'dQw4w9WgXcQ'],
    ['{key}', 'file:///etc/passwd'],
    ['{key}', 'ytsearch9:cats'],
    ['{key}', 'https://'],
    ['https://x/{key}', '..'],
    ['https://x/{key}', '.'],
    ['https://{key}.example/', 'evil.example/'],
    ['https://x/{key}', '\uD800'],
  ];
  for (const [template, key] of invalid) {
    it(`refuses ${JSON.stringify(key)} in ${template}`, () => {
      assert.equal(addressOf(template, key).kind, 'invalid');
    });
  }
});
