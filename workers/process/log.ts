import { pino } from 'pino';
import type { Logger } from 'pino';

export type Log = Logger;

/** Cloud Logging's names for pino's levels: cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#LogSeverity */
const severities: Readonly<Record<string, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/**
 * One JSON line per event on standard output, in the field names Cloud Logging understands: `severity`, `message`,
 * `time`. Written synchronously, so that the last words before an exit are not lost.
 */
export function createLog(options: {
  level: (typeof logLevels)[number];
  /** Fields that every line carries, such as the run. */
  fields: Readonly<Record<string, string>>;
}): Log {
  return pino(
    {
      level: options.level,
      base: options.fields,
      messageKey: 'message',
      errorKey: 'error',
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ severity: severities[label] ?? 'DEFAULT' }) },
    },
    pino.destination({ dest: 1, sync: true }),
  );
}
