import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asListedPage, listedAs, listedPage } from '../../domain/list-address.ts';
import { parseRunSpec } from '../../domain/run-spec.ts';

const channel = 'https://www.youtube.com/@GoogleDevelopers/videos';

describe('the address of a page', () => {
  it('is marked, and taken for what it is', () => {
    assert.equal(asListedPage(channel), `yt-dlp+${channel}`);
    assert.equal(listedPage(asListedPage(channel)), channel);
    for (const list of [channel, 'gs://b/l', 'file:///l']) assert.equal(listedPage(list), null);
  });

  it('is http or https behind the mark', () => {
    const kindOf = (items: string) => parseRunSpec({ items, destination: 'gs://bucket/' }).kind;
    for (const page of [channel, 'http://127.0.0.1/']) {
      assert.equal(kindOf(`yt-dlp+${page}`), 'valid');
    }
    for (const page of ['gs://b/l', 'file:///l', 'ytsearch9:x', '--exec=x', 'yt-dlp+https://h/']) {
      assert.equal(kindOf(`yt-dlp+${page}`), 'invalid');
    }
  });
});

describe('what becomes a key', () => {
  const asOf = (task?: object) => {
    const parsed = parseRunSpec({ items: ['a'], destination: 'gs://bucket/', task });
    assert.ok(parsed.kind === 'valid');
    return listedAs(parsed.spec.task);
  };

  it('is the address where the task takes it as it is, else the id', () => {
    assert.equal(asOf(), 'id');
    assert.equal(asOf({ kind: 'yt-dlp', url: '{key}' }), 'url');
    assert.equal(asOf({ kind: 'http' }), 'url');
    assert.equal(asOf({ kind: 'http', url: 'https://h/{key}' }), 'id');
    assert.equal(asOf({ kind: 'command', name: 'x' }), 'id');
  });
});
