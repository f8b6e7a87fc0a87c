import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { install } from '../infra/local/install/install.ts';

/**
 * `npm test [-- FILE …]`: installs what the tests need, then runs all of them, or the files and folders given.
 */

/** Two test files at a time: each has servers of its own, and the smallest machine we support has two cores. */
const filesAtOnce = 2;
/** Those wait for leases and time-outs more than they work, one of them for five minutes. */
const faultsAtOnce = 3;

/** No test takes this long; one that does hangs. ms. */
const testTimeoutMs = 300_000;

const wanted = process.argv.slice(2);
const patterns =
  wanted.length === 0
    ? ['test/**/*.test.ts']
    : wanted.map((path) => (path.endsWith('.ts') ? path : `${path}/**/*.test.ts`));
// Those have commands of their own: the first need root and a cluster (test/cluster/run.ts), the others take minutes.
const exclude = ['test/cluster/**', ...(wanted.length === 0 ? ['test/faults/**'] : [])];
const files = globSync(patterns, { exclude }).toSorted();
if (files.length === 0) {
  process.stderr.write(`npm test: no test file matches ${patterns.join(' ')}\n`);
  process.exit(1);
}

await install();
const atOnce = files.every((file) => file.startsWith('test/faults/')) ? faultsAtOnce : filesAtOnce;
const { status } = spawnSync(
  process.execPath,
  ['--test', `--test-concurrency=${atOnce}`, `--test-timeout=${testTimeoutMs}`, ...files],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
