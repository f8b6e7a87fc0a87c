import type { LogLevel, Logger } from '@temporalio/worker';
import type { Log } from '../process/log.ts';

/** The names of Temporal's levels in our log. */
const levels = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const;

/** Sends the SDK's log into ours: one JSON line an event, Temporal's attributes as fields. */
export function createTemporalLogger(log: Log): Logger {
  const write = (level: LogLevel, message: string, meta: object = {}) => {
    log[levels[level]](meta, message);
  };
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}
