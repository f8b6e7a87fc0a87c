import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { MisconfiguredError, parseEnvironment } from '../../../workers/process/environment.ts';

const schema = z.object({
  PORT: z.coerce.number().int().min(1),
  FOLDER: z.string().min(1),
  LEVEL: z.enum(['low', 'high']).default('low'),
});

describe('parseEnvironment', () => {
  it('gives back values with defaults, and leaves other variables out', () => {
    assert.deepEqual(parseEnvironment(schema, { PORT: '80', FOLDER: '/x', HOME: '/root' }), {
      PORT: 80,
      FOLDER: '/x',
      LEVEL: 'low',
    });
  });

  it('keeps what a schema itself says of an absent variable', () => {
    const asking = z.object({ GRACE: z.string({ error: 'is not set — give it' }) });
    assert.throws(
      () => parseEnvironment(asking, {}),
      /^MisconfiguredError: environment: GRACE: is not set — give it$/,
    );
  });

  it('names everything that is wrong, in one line', () => {
    assert.throws(
      () => parseEnvironment(schema, { PORT: '0', LEVEL: 'middle' }),
      (error) =>
        error instanceof MisconfiguredError &&
        /^environment: PORT: .+; FOLDER: is not set; LEVEL: .+$/.test(error.message),
    );
  });
});
