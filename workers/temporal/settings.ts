import { z } from 'zod';
import { parseEnvironment } from '../process/environment.ts';
import { logLevels } from '../process/log.ts';

const flag = z
  .enum(['0', '1'], { error: 'is neither 0 nor 1' })
  .default('0')
  .transform((text) => text === '1');

const schema = z.object({
  /** The Google Cloud project that holds topics and subscriptions. */
  GOOGLE_CLOUD_PROJECT: z.string().min(1),
  SPOTLOOP_TASK_QUEUE: z.string().min(1).default('spotloop'),
  /** The fleet of runs that name none. */
  SPOTLOOP_FLEET: z.enum(['local', 'kubernetes']).default('local'),
  /** Lists on this machine's disk: for the local stack, where whoever starts a run owns the disk. */
  SPOTLOOP_ALLOW_FILE_LISTS: flag,
  /** Where the local fleet's downloaders log; one file a downloader. */
  SPOTLOOP_LOG_FOLDER: z.string().min(1).default('.spotloop/logs'),
  SPOTLOOP_STAGING_FOLDER: z.string().min(1).default('.spotloop/staging'),
  /** Time downloaders have after SIGTERM: what GKE gives a Spot pod by default. */
  SPOTLOOP_GRACE_SECONDS: z.coerce.number().min(1).max(600).default(15),
  SPOTLOOP_COMMANDS_FILE: z.string().optional(),
  /** A bundle made when the image was built; without it one is made at start. */
  SPOTLOOP_WORKFLOW_BUNDLE: z.string().min(1).optional(),
  SPOTLOOP_LOG_LEVEL: z.enum(logLevels).default('info'),
  /** Google's own variables; set, they mean an emulator. */
  STORAGE_EMULATOR_HOST: z.string().optional(),
});

/** What the environment says to the Temporal worker. Temporal's own settings are read by `@temporalio/envconfig`. */
export type Settings = z.infer<typeof schema>;

/** @throws MisconfiguredError that names every variable that is wrong. */
export function readSettings(variables: Readonly<Record<string, string | undefined>>): Settings {
  return parseEnvironment(schema, variables);
}
