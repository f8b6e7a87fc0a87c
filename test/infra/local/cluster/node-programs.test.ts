import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRelease } from '../../../../infra/local/cluster/node-programs.ts';

test('a release of Debian is known by its code name', () => {
  const debian = 'NAME="Debian GNU/Linux"\nVERSION_CODENAME=bookworm\nID=debian\n';
  assert.equal(parseRelease(debian), 'bookworm');
  assert.equal(parseRelease('ID="arch"\n'), 'arch');
  assert.equal(parseRelease(''), 'unknown');
});
