import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isOlder } from '../../../cli/doctor/is-older.ts';

describe('isOlder', () => {
  it('compares number by number', () => {
    for (const [version, than, expected] of [
      ['1.9.0', '1.25', true],
      ['1.24.9', '1.25', true],
      ['1.25.0', '1.25', false],
      ['1.25', '1.25.1', true],
      ['1.29.1', '1.25', false],
      ['2', '1.25', false],
      ['v1.28.4-gke.100', '1.29', true],
      ['v1.34.1+k3s1', '1.29', false],
    ] as const) {
      assert.equal(isOlder(version, than), expected, `${version} than ${than}`);
    }
  });

  it('knows nothing of a version without numbers', () => {
    assert.equal(isOlder('', '1.25'), false);
    assert.equal(isOlder('main', '1.25'), false);
  });
});
