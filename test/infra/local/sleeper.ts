/** A program for tests of starting and stopping: forks a child that ignores SIGTERM, tells both pids, and waits. */
import { spawn } from 'node:child_process';

const child = spawn('/bin/sh', ['-c', 'trap "" TERM; while :; do sleep 1; done']);
process.stdout.write(`${JSON.stringify({ pids: [process.pid, child.pid] })}\nready\n`);
process.on('SIGTERM', () => {
  if (process.argv[2] !== 'stubborn') process.exit(0);
});
