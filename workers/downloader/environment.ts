import { z } from 'zod';
import { assignmentVariable, decodeAssignment } from '../../domain/assignment.ts';
import { parseEnvironment } from '../process/environment.ts';
import { logLevels } from '../process/log.ts';
import { metricsAddress } from '../process/metrics-address.ts';

/**
 * There is no default: too long a guess loses every item in hand to a SIGKILL, and each loss counts as a death. What is
 * right is known by whoever starts the downloader; on GKE it is 15 s of a Spot node's 30 s notice, or what was configured:
 * cloud.google.com/kubernetes-engine/docs/concepts/spot-vms#termination-graceful-shutdown
 */
const graceHint =
  'is not set — give the seconds between SIGTERM and SIGKILL, as terminationGracePeriodSeconds of the pod has them';

/** Below it nothing can be released in time; above it an hour is more than anybody gives. */
const shortestGraceSeconds = 1;
const longestGraceSeconds = 3600;

/** A pod's name has at most 253 characters: kubernetes.io/docs/concepts/overview/working-with-objects/names */
const maxNameLength = 253;

const assignment = z.string().transform((text, context) => {
  try {
    return decodeAssignment(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is not an assignment${detailOf(error)}` });
    return z.NEVER;
  }
});

/** Empty is unset, as in the local stack's and the template's other settings. */
const fileSetting = z
  .string()
  .optional()
  .transform((text) => (text === '' ? undefined : text));

const schema = z.object({
  /** What the fleet wants of this downloader: domain/assignment.ts as JSON. */
  [assignmentVariable]: assignment,
  GOOGLE_CLOUD_PROJECT: z.string().min(1),
  /** A folder on a local disk for files on their way. Several downloaders of one machine may share it. */
  SPOTLOOP_STAGING_FOLDER: z.string().min(1),
  /** Seconds between SIGTERM and SIGKILL. */
  SPOTLOOP_GRACE_SECONDS: z
    .string({ error: graceHint })
    .transform(Number)
    .pipe(z.number().min(shortestGraceSeconds).max(longestGraceSeconds)),
  SPOTLOOP_YTDLP: z.string().min(1).default('yt-dlp'),
  /** Which programs the task `command` may run (I10). Without it there are none. */
  SPOTLOOP_COMMANDS_FILE: z.string().min(1).optional(),
  /** Cookies that yt-dlp signs in with, a cookies.txt. Without it there are none. */
  SPOTLOOP_COOKIES_FILE: fileSetting,
  /** A file with the address of the proxy through which sites are asked. Without it they are asked directly. */
  SPOTLOOP_PROXY_FILE: fileSetting,
  /** This downloader's name in beats and logs. */
  SPOTLOOP_DOWNLOADER: z.string().min(1).max(maxNameLength).optional(),
  /** Where `health.ts` keeps the files that a kubelet's probes look at. Without it there are none. */
  SPOTLOOP_HEALTH_FOLDER: z.string().min(1).optional(),
  /** Set by a parent that holds the other end of standard input: its end counts as SIGTERM. */
  SPOTLOOP_EXIT_WITH_STDIN: z
    .string()
    .optional()
    .transform((text) => text !== undefined && !['', '0', 'false'].includes(text)),
  /** Where its metrics are told; unset, nowhere. Port 0 is a free one, which the log says. */
  SPOTLOOP_METRICS_ADDRESS: metricsAddress,
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

/**
 * Where the line that says why the downloader ends goes, beside standard error; undefined when nobody asked for it. Read
 * apart from the rest, for that line may be that the rest is wrong.
 */
export function terminationMessageFile(
  variables: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const file = variables['SPOTLOOP_TERMINATION_MESSAGE_FILE'];
  return file === '' ? undefined : file;
}

function detailOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof z.ZodError) {
    const fields = cause.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    return ` (${fields.join(', ')})`;
  }
  return cause instanceof Error ? ` (${cause.message})` : '';
}
