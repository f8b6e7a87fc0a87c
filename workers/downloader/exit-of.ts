import { formatDuration } from '../../domain/units.ts';
import { MisconfiguredError, misconfiguredExitCode } from '../process/environment.ts';
import { shutdownExitCodes } from '../process/shutdown.ts';
import type { ShutdownCause } from '../process/shutdown.ts';
import type { DownloaderEnding, Parting } from './downloader-ending.ts';
import { messageOf } from './remote-errors.ts';

/** How the process ends, and the one line that says why. */
export type Exit = {
  readonly code: number;
  readonly line: string;
  /** How bad it is: a node that is taken away is nobody's failure. */
  readonly severity: 'info' | 'warn' | 'error';
  /** What it crashed of, for standard error only. */
  readonly error?: unknown;
};

const crashedExitCode = 1;

export function exitOfEnding(
  ending: DownloaderEnding,
  cause: ShutdownCause | null,
  idleExitMs: number,
): Exit {
  switch (ending.kind) {
    case 'idle':
      return {
        code: 0,
        severity: 'info',
        line: `idle: nothing to do for ${formatDuration(idleExitMs)}`,
      };
    case 'queue-missing':
      return {
        code: 0,
        severity: 'info',
        line: `the run is over: its queue was not there for ${formatDuration(idleExitMs)}`,
      };
    case 'queue-refused':
      return {
        code: misconfiguredExitCode,
        severity: 'error',
        line: `${ending.doing}: ${messageOf(ending.error)} — grant the downloader roles/pubsub.subscriber and publisher`,
      };
    case 'signed-out':
      return { code: misconfiguredExitCode, severity: 'error', line: ending.error };
    case 'stopped': {
      const why = cause ?? 'SIGTERM';
      return {
        code: shutdownExitCodes[why],
        severity: ending.parting.abandoned === 0 ? 'info' : 'warn',
        line: `${causeTexts[why]}: ${partingText(ending.parting)}`,
      };
    }
  }
}

/** Of what was thrown, and not caught by anybody who knew what to do. */
export function exitOfError(error: unknown): Exit {
  if (error instanceof MisconfiguredError) {
    return { code: misconfiguredExitCode, severity: 'error', line: messageOf(error) };
  }
  return {
    code: crashedExitCode,
    severity: 'error',
    line: `crashed: ${messageOf(error)}`,
    error,
  };
}

/** The grace time is over and something still hangs. */
export function exitOfLateness(cause: ShutdownCause, graceSeconds: number): Exit {
  return {
    code: shutdownExitCodes[cause],
    severity: 'warn',
    line: `${causeTexts[cause]}: not done within the grace time of ${graceSeconds} s`,
  };
}

const causeTexts: Readonly<Record<ShutdownCause, string>> = {
  SIGTERM: 'SIGTERM',
  SIGINT: 'SIGINT',
  stdin: 'the parent is gone',
};

function partingText({ settled, released, abandoned }: Parting): string {
  if (settled + released + abandoned === 0) return 'nothing was in hand';
  const left = abandoned === 0 ? '' : `; ${abandoned} left until their leases end`;
  return `${settled} ${settled === 1 ? 'item' : 'items'} settled, ${released} released within the grace time${left}`;
}
