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

const fileDescriptors = { stdout: 1, stderr: 2 } as const;

/**
 * One JSON line per event, in the field names Cloud Logging understands: `severity`, `message`, `time`
 * (cloud.google.com/logging/docs/structured-logging). Written synchronously, so that the last words before an exit are not lost.
 *
 * No `logging.googleapis.com/labels`: on GKE an entry has its pod's labels already, `k8s-pod/spotloop-run` among them. No trace
 * either: what belongs together is found by `run` and `index`.
 */
export function createLog(options: {
  level: (typeof logLevels)[number];
  /** Fields that every line carries, such as the run. */
  fields: Readonly<Record<string, string>>;
  /** Standard output by default. */
  to?: keyof typeof fileDescriptors;
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
    pino.destination({ dest: fileDescriptors[options.to ?? 'stdout'], sync: true }),
  );
}
