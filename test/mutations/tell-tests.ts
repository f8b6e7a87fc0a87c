import { run } from 'node:test';

/**
 * `node test/mutations/tell-tests.ts FILE NAME …`: runs the tests of these exact names, and tells how each ended: a line of JSON
 * on standard output, see {@link Told}.
 */

/** How one test ended. */
export type Told = {
  readonly name: string;
  readonly ending: 'passed' | 'failed';
  /** It failed because what it looked at was wrong, and not because it could not run. */
  readonly byAssertion: boolean;
  readonly message: string;
};

/** Longest message told: enough to see why. */
const longestMessage = 500;

const [file = '', ...names] = process.argv.slice(2);
// Node matches with the names of the suites before a test's own.
const testNamePatterns = names.map((name) => new RegExp(`(^| )${escaped(name)}$`));

for await (const { type, data } of run({ files: [file], isolation: 'none', testNamePatterns })) {
  if (type !== 'test:pass' && type !== 'test:fail') continue;
  if (data.skip !== undefined || data.details.type === 'suite') continue;
  const error: unknown = type === 'test:fail' ? data.details.error : undefined;
  const told: Told = {
    name: data.name,
    ending: type === 'test:pass' ? 'passed' : 'failed',
    byAssertion: causesOf(error).some(
      (one) => (one as { code?: unknown }).code === 'ERR_ASSERTION',
    ),
    message: (causesOf(error).at(-1)?.message ?? '').slice(0, longestMessage),
  };
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}

/** Node's runner and fast-check each wrap what was thrown. */
function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let one = error; one instanceof Error; one = one.cause) causes.push(one);
  return causes;
}
