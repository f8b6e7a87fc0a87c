import { spawnSync } from 'node:child_process';

/** `npm run check`: the one gate. Format, lint, types, then all tests; the cheap ones first. */

const steps = ['format:check', 'lint', 'types', 'test'];

/** ms in a second, for the times printed. */
const second = 1000;

for (const step of steps) {
  const startedMs = performance.now();
  const { status } = spawnSync('npm', ['run', '--silent', step], { stdio: 'inherit' });
  const seconds = ((performance.now() - startedMs) / second).toFixed(1);
  process.stdout.write(`check: ${step} ${status === 0 ? 'passed' : 'failed'} after ${seconds} s\n`);
  if (status !== 0) {
    process.exitCode = 1;
    break;
  }
}
