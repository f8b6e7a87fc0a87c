import { randomBytes } from 'node:crypto';

/** Collisions among the thousands of names of one test run are out of the question with 32 bits. */
const suffixBytes = 4;

/** A name of its own for one test, valid as a topic, a bucket, a workflow id and an object prefix: `pull-1f3a9c02`. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(suffixBytes).toString('hex')}`;
}
