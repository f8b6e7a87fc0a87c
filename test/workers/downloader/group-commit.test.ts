import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createGroupCommit } from '../../../workers/downloader/group-commit.ts';

/** A remote whose requests the test answers one by one. */
function createRemote() {
  const requests: { sent: string[]; confirm(): void; fail(error: Error): void }[] = [];
  const over = new AbortController();
  const lost = new Set<string>();
  let onRequest = (): void => {};
  const commit = createGroupCommit<{ text: string; sizeBytes: number; isVoid(): boolean }>({
    name: 'send lines',
    maxEntries: 3,
    maxBytes: 10,
    isHopeless: (error) => (error as Error).message === 'hopeless',
    over: over.signal,
    send: (entries) =>
      new Promise((resolve, reject) => {
        requests.push({ sent: entries.map(({ text }) => text), confirm: resolve, fail: reject });
        onRequest();
      }),
  });
  return {
    requests,
    over,
    lost,
    add: (text: string) =>
      commit.add({ text, sizeBytes: text.length, isVoid: () => lost.has(text) }),
    /** The next request that hasn't been seen. */
    async request(place: number) {
      while (requests.length <= place) await new Promise<void>((resolve) => (onRequest = resolve));
      return requests[place]!;
    },
  };
}

describe('a group commit', () => {
  it('sends what arrives during a request together in the next one', async () => {
    const remote = createRemote();
    const first = remote.add('a');
    const request = await remote.request(0);
    const others = [remote.add('b'), remote.add('c')];
    assert.deepEqual(request.sent, ['a']);
    assert.equal(remote.requests.length, 1);
    request.confirm();
    await first;
    const next = await remote.request(1);
    assert.deepEqual(next.sent, ['b', 'c']);
    next.confirm();
    await Promise.all(others);
  });

  it('keeps requests within their bounds, but sends a thing that is larger than the bound alone', async () => {
    const remote = createRemote();
    const all = ['1', '2', '3', '4', '56789', 'abcdef', 'ABCDEFGHIJKLM', 'x'].map(remote.add);
    const sent: string[][] = [];
    for (let place = 0; sent.flat().length < all.length; place += 1) {
      const request = await remote.request(place);
      sent.push(request.sent);
      request.confirm();
    }
    assert.deepEqual(sent, [['1', '2', '3'], ['4', '56789'], ['abcdef'], ['ABCDEFGHIJKLM'], ['x']]);
    await Promise.all(all);
  });

  it('tries a request again until it is confirmed', async () => {
    const remote = createRemote();
    const added = remote.add('a');
    (await remote.request(0)).fail(new Error('unavailable'));
    (await remote.request(1)).fail(new Error('unavailable'));
    (await remote.request(2)).confirm();
    await added;
  });

  it('gives up what is hopeless, and goes on with the rest', async () => {
    const remote = createRemote();
    const refused = assert.rejects(remote.add('a'), /hopeless/);
    (await remote.request(0)).fail(new Error('hopeless'));
    await refused;
    const next = remote.add('b');
    (await remote.request(1)).confirm();
    await next;
  });

  it('does not send what has become void while it waited', async () => {
    const remote = createRemote();
    const first = remote.add('a');
    const request = await remote.request(0);
    const lost = assert.rejects(remote.add('b'), /the lease is lost/);
    const kept = remote.add('c');
    remote.lost.add('b');
    request.confirm();
    const next = await remote.request(1);
    assert.deepEqual(next.sent, ['c']);
    next.confirm();
    await Promise.all([first, lost, kept]);
  });

  it('stops trying when everything in the request is void', async () => {
    const remote = createRemote();
    const refused = assert.rejects(remote.add('a'), /every lease is lost/);
    const request = await remote.request(0);
    remote.lost.add('a');
    request.fail(new Error('unavailable'));
    await refused;
    assert.equal(remote.requests.length, 1);
  });

  it('stops trying when no time is left', async () => {
    const remote = createRemote();
    const refused = assert.rejects(remote.add('a'));
    (await remote.request(0)).fail(new Error('unavailable'));
    remote.over.abort();
    await refused;
  });
});
