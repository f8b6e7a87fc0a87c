import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Report } from './install/part.ts';
import { startProcess } from './process.ts';
import type { RunningProcess } from './process.ts';

const main = fileURLToPath(new URL('../../workers/temporal/main.ts', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Its activities have 5 s after SIGTERM, its downloaders 15 s, and some to spare. */
const graceMs = 30_000;
/** One that dies at once, over and over, must neither eat a core nor fill the terminal. */
const restartPauseMs = 2_000;

/** A Temporal worker that is started again whenever it dies. */
export type TemporalWorker = {
  /** The process that runs at this moment; another one after a death. */
  pid: () => number;
  stop: () => Promise<void>;
};

/**
 * Starts the Temporal worker and resolves when it polls; from then on each death is reported and followed by a new start.
 * Throws when the first one doesn't come up.
 */
export async function startTemporalWorker(options: {
  env: Record<string, string>;
  logFolder: string;
  report: Report;
}): Promise<TemporalWorker> {
  const { env, logFolder, report } = options;
  const start = (): Promise<RunningProcess> =>
    startProcess({
      name: 'the Temporal worker',
      command: process.execPath,
      args: [main],
      cwd: root,
      env,
      logFile: join(logFolder, 'temporal-worker.log'),
      ready: { kind: 'line', test: saysPolling },
      graceMs,
    });

  let current = await start();
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  const watch = async (): Promise<void> => {
    for (;;) {
      const { code, signal } = await current.ended;
      if (isStopping()) return;
      report(`the Temporal worker ended with ${signal ?? `code ${code}`}: starting it again`);
      while (!isStopping()) {
        const next = await start().catch((error: unknown) => {
          report(error instanceof Error ? error.message : String(error));
        });
        if (next !== undefined) {
          current = next;
          break;
        }
        await sleep(restartPauseMs, undefined, { signal: stopping.signal }).catch(() => {});
      }
      // One that was on its way while the stack stopped.
      if (isStopping()) return current.stop();
    }
  };
  const watching = watch();
  return {
    pid: () => current.pid,
    stop: async () => {
      stopping.abort();
      await current.stop();
      await watching;
    },
  };
}

/** Its log is one JSON object a line; this one is written when it begins to poll its task queue. */
function saysPolling(line: string): boolean {
  return /"message":\s*"polling"/.test(line);
}
