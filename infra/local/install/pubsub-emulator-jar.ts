import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProgram } from './find-program.ts';
import { readSurroundings } from './surroundings.ts';

/** Where the gcloud SDK keeps its Pub/Sub emulator, in every way of installing it. */
const jarFolder = join('platform', 'pubsub-emulator', 'lib');
/** The jar carries its own version, which moves with the SDK. */
const jarName = /^cloud-pubsub-emulator-.*-all\.jar$/;
const hint =
  'run `gcloud components install pubsub-emulator`, or install the Debian package google-cloud-cli-pubsub-emulator';

/** The path of the Pub/Sub emulator's jar; it is only looked for: Google ships it with the gcloud SDK alone. */
export async function findPubsubEmulatorJar(): Promise<string> {
  const { pubsubEmulatorJar, gcloudFolder, searchFolders } = readSurroundings();
  if (pubsubEmulatorJar !== undefined) {
    if ((await stat(pubsubEmulatorJar).catch(() => undefined))?.isFile()) return pubsubEmulatorJar;
    throw new Error(
      `find the Pub/Sub emulator: $PUBSUB_EMULATOR_JAR is ${pubsubEmulatorJar}, which is no file — correct or unset it`,
    );
  }
  const gcloud = await findProgram('gcloud', searchFolders);
  // The command on PATH is a link into the SDK's `bin`; asking gcloud itself would cost a second.
  const sdk = gcloudFolder ?? (gcloud && dirname(dirname(await realpath(gcloud))));
  if (sdk === undefined) {
    throw new Error(
      `find the Pub/Sub emulator: no gcloud on PATH — install the gcloud CLI (https://cloud.google.com/sdk/docs/install), then ${hint}`,
    );
  }
  const folder = join(sdk, jarFolder);
  const names: string[] = await readdir(folder).catch(() => []);
  const newest = names
    .filter((name) => jarName.test(name))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
  if (newest === undefined) {
    throw new Error(`find the Pub/Sub emulator: no jar in ${folder} — ${hint}`);
  }
  return join(folder, newest);
}
