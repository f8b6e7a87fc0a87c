import { z } from 'zod';
import { assignmentVariable, decodeAssignment } from '../../domain/assignment.ts';
import { parseEnvironment } from '../process/environment.ts';
import { logLevels } from '../process/log.ts';

/**
 * Seconds between SIGTERM and SIGKILL. GKE gives a pod 15 s of a Spot node's 30 s notice:
 * cloud.google.com/kubernetes-engine/docs/concepts/spot-vms#termination-graceful-shutdown
 */
const defaultGraceSeconds = 15;

const assignment = z.string().transform((text, context) => {
  try {
    return decodeAssignment(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is not an assignment${detailOf(error)}` });
    return z.NEVER;
  }
});

const schema = z.object({
  /** What the fleet wants of this downloader: domain/assignment.ts as JSON. */
  [assignmentVariable]: assignment,
  GOOGLE_CLOUD_PROJECT: z.string().min(1),
  /** A folder on a local disk for files on their way. Several downloaders of one machine may share it. */
  SPOTLOOP_STAGING_FOLDER: z.string().min(1),
  SPOTLOOP_GRACE_SECONDS: z.coerce.number().min(1).max(3600).default(defaultGraceSeconds),
  SPOTLOOP_YTDLP: z.string().min(1).default('yt-dlp'),
  /** Which programs the task `command` may run (I10). Without it there are none. */
  SPOTLOOP_COMMANDS_FILE: z.string().min(1).optional(),
  /** This downloader's name in beats and logs. */
  SPOTLOOP_DOWNLOADER: z.string().min(1).max(200).optional(),
  /** Set by a parent that holds the other end of standard input: its end counts as SIGTERM. */
  SPOTLOOP_EXIT_WITH_STDIN: z
    .string()
    .optional()
    .transform((text) => text !== undefined && !['', '0', 'false'].includes(text)),
  SPOTLOOP_LOG_LEVEL: z.enum(logLevels).default('info'),
});

/** The downloader's settings, read from its environment. */
export type DownloaderEnvironment = z.output<typeof schema>;

/** @throws MisconfiguredError that names every variable that is wrong. */
export function parseDownloaderEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): DownloaderEnvironment {
  return parseEnvironment(schema, variables);
}

function detailOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof z.ZodError) {
    const fields = cause.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    return ` (${fields.join(', ')})`;
  }
  return cause instanceof Error ? ` (${cause.message})` : '';
}
