import { z } from 'zod';
import { parseEnvironment } from '../process/environment.ts';
import { logLevels } from '../process/log.ts';
import { metricsAddress } from '../process/metrics-address.ts';

const flag = z
  .enum(['0', '1'], { error: 'is neither 0 nor 1' })
  .default('0')
  .transform((text) => text === '1');

const fleetName = z.enum(['local', 'kubernetes'], {
  error: 'is not a list of "kubernetes" and "local"',
});

/** "kubernetes,local": each once, the first is the default. */
const fleets = z
  .string()
  .default('local')
  .transform((text) => listOf(text))
  .pipe(
    z.tuple([fleetName], fleetName, {
      error: 'names no fleet — set it to "kubernetes", "local" or both',
    }),
  );

const list = z
  .string()
  .default('')
  .transform((text) => listOf(text));

const schema = z.object({
  /** The Google Cloud project that holds topics and subscriptions. */
  GOOGLE_CLOUD_PROJECT: z.string().min(1),
  SPOTLOOP_TASK_QUEUE: z.string().min(1).default('spotloop'),
  /** Which fleets this Temporal worker has; runs that name none get the first. */
  SPOTLOOP_FLEETS: fleets,
  /** Lists on this machine's disk: for the local stack, where whoever starts a run owns the disk. */
  SPOTLOOP_ALLOW_FILE_LISTS: flag,
  /** Where the local fleet's downloaders log; one file a downloader. */
  SPOTLOOP_LOG_FOLDER: z.string().min(1).default('.spotloop/logs'),
  SPOTLOOP_STAGING_FOLDER: z.string().min(1).default('.spotloop/staging'),
  /** Time downloaders have after SIGTERM: what GKE gives a Spot pod by default. */
  SPOTLOOP_GRACE_SECONDS: z.coerce.number().min(1).max(600).default(15),
  SPOTLOOP_COMMANDS_FILE: z.string().optional(),
  /** What lists the pages of runs whose items are `yt-dlp+https://…` (I10); without it the `yt-dlp` on PATH, if there is one. */
  SPOTLOOP_YTDLP: z.string().min(1).optional(),
  /** Where the Kubernetes fleet's Jobs are; without it the namespace of our own pod or kubeconfig. */
  SPOTLOOP_NAMESPACE: z.string().min(1).optional(),
  /** The Job that a run's is made from; k8s/job.yaml of this repository by default. */
  SPOTLOOP_JOB_TEMPLATE: z.string().min(1).optional(),
  /** The downloaders' image, and others that runs may ask for instead (I10), with commas between; else the template's alone. */
  SPOTLOOP_IMAGES: list,
  /** The same for their service accounts. */
  SPOTLOOP_SERVICE_ACCOUNTS: list,
  /** A bundle made when the image was built; without it one is made at start. */
  SPOTLOOP_WORKFLOW_BUNDLE: z.string().min(1).optional(),
  /** Where its own metrics are told; unset, nowhere. */
  SPOTLOOP_METRICS_ADDRESS: metricsAddress,
  /** The same for downloaders of the local fleet. They share this machine, so its port is 0: each gets a free one and logs it. */
  SPOTLOOP_LOCAL_METRICS_ADDRESS: metricsAddress,
  SPOTLOOP_LOG_LEVEL: z.enum(logLevels).default('info'),
  /** Which code this is, and of which deployment: as the Temporal Worker Controller sets them. Without a build id there are no versions. */
  TEMPORAL_WORKER_BUILD_ID: z.string().min(1).optional(),
  TEMPORAL_DEPLOYMENT_NAME: z.string().min(1).default('spotloop'),
  /** Google's own variables; set, they mean an emulator. */
  STORAGE_EMULATOR_HOST: z.string().optional(),
});

/** What the environment says to the Temporal worker. Temporal's own settings are read by `@temporalio/envconfig`. */
export type Settings = z.infer<typeof schema>;

/** @throws MisconfiguredError that names every variable that is wrong. */
export function readSettings(variables: Readonly<Record<string, string | undefined>>): Settings {
  return parseEnvironment(schema, variables);
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
