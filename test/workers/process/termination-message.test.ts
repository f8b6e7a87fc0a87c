import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  maxTerminationMessageBytes,
  terminationMessageOf,
} from '../../../workers/process/termination-message.ts';

describe('a termination message', () => {
  it('is one printable line', () => {
    assert.equal(
      terminationMessageOf('crashed:\u001b[31m a\r\n\tb\u0000c\u2028d \n'),
      'crashed: [31m a b c d',
    );
  });

  it('is cut between two characters at the limit of Kubernetes', () => {
    for (const character of ['a', 'ä', '—', '🎬']) {
      const size = Buffer.byteLength(character);
      const text = terminationMessageOf(`x${character.repeat(maxTerminationMessageBytes)}`);
      assert.ok(!text.includes('\uFFFD'));
      const bytes = Buffer.byteLength(text);
      assert.ok(bytes <= maxTerminationMessageBytes && bytes > maxTerminationMessageBytes - size);
    }
  });
});
