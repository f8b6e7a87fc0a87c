import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shortText } from '../../domain/short-text.ts';

describe('shortText', () => {
  it('leaves a short line as it is and makes one line of several', () => {
    assert.equal(shortText('a node: 2 Insufficient cpu'), 'a node: 2 Insufficient cpu');
    assert.equal(shortText(' first\n\tsecond \r\n'), 'first second');
  });

  it('cuts a long one and says so', () => {
    const cut = shortText('x'.repeat(5_000));
    assert.equal(cut.length, 200);
    assert.ok(cut.endsWith('x…'));
  });
});
