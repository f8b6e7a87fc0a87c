import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listMissing, neededPrograms } from '../../../../infra/local/cluster/requirements.ts';

const all = { platform: 'linux', isRoot: true, programs: new Set(neededPrograms) };
const without = (...names: string[]): Set<string> =>
  new Set(neededPrograms.filter((name) => !names.includes(name)));

test('a machine that has everything misses nothing', () => {
  assert.deepEqual(listMissing(all, false), []);
});

test('all that is missing is said at once, each with the way to get it', () => {
  const lines = listMissing(
    { ...all, isRoot: false, programs: without('go', 'openssl', 'ip', 'apt-get') },
    false,
  );
  assert.equal(lines.length, 5);
  const text = lines.join('\n');
  assert.match(text, /not root.* — use sudo/);
  assert.match(text, /no `go` on PATH — install Go 1\.24/);
  assert.match(text, /no `openssl` on PATH — install the package openssl/);
  assert.match(text, /no `ip` on PATH — install the package iproute2/);
  assert.match(
    text,
    /no `apt-get` on PATH — use Debian or Ubuntu, or name a cluster of this machine/,
  );
});

test('a machine whose cache is filled needs nothing to build with', () => {
  assert.deepEqual(listMissing({ ...all, programs: without('go', 'apt-get', 'dpkg') }, true), []);
  assert.equal(listMissing({ ...all, programs: without('nsenter') }, true).length, 1);
});

test('on another system nothing else matters', () => {
  const lines = listMissing({ platform: 'darwin', isRoot: false, programs: new Set() }, false);
  assert.equal(lines.length, 1);
  assert.match(
    lines[0] ?? '',
    /this is darwin.*use a Linux machine, or name a cluster of this machine/,
  );
});
