/** Starts a child with `startProcess` and is killed right after: argument 1 is the log file. */
import { fileURLToPath } from 'node:url';
import { startProcess } from '../../../infra/local/process.ts';

await startProcess({
  name: 'the sleeper',
  command: process.execPath,
  args: [fileURLToPath(new URL('sleeper.ts', import.meta.url))],
  logFile: process.argv[2]!,
  ready: { kind: 'line', test: (line) => line === 'ready' },
  graceMs: 1000,
});
process.kill(process.pid, 'SIGKILL');
