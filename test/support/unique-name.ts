import { randomBytes } from 'node:crypto';

/** Collisions among the thousands of names of one test run are out of the question with 32 bits. */
const RANDOM_BYTES = 4;

/** A name of its own for one test, valid as a topic, a bucket, a workflow id and an object prefix: `pull-1f3a9c02`. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(RANDOM_BYTES).toString('hex')}`;
}
