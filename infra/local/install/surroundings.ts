import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** What the machine and its user tell us about where programs are; the only place of `infra/local` that reads them. */
export type Surroundings = {
  /** Where what we install is kept: `$SPOTLOOP_CACHE`, else `spotloop` in the user's cache folder. */
  cacheFolder: string;
  /** The folders of `PATH`, in order. */
  searchFolders: string[];
  /** The emulator's jar, when `$PUBSUB_EMULATOR_JAR` names it. */
  pubsubEmulatorJar: string | undefined;
  /** The gcloud SDK's folder, when `$CLOUDSDK_ROOT_DIR` names it. */
  gcloudFolder: string | undefined;
  /** The yt-dlp to use, when `$SPOTLOOP_YTDLP` names it. */
  ytDlp: string | undefined;
  /** The browser to use, when `$CHROMIUM` names it. */
  chromium: string | undefined;
  /** A cluster of the user's own, `$KUBECONFIG`: only together with an image for it. */
  kubeconfig: string | undefined;
  /** A downloader's image that cluster has or can pull: the first of `$SPOTLOOP_IMAGES`. */
  image: string | undefined;
  /** Where `io.temporal` jars come from: `$SPOTLOOP_MAVEN_REPOSITORY`, else Maven Central; no slash at the end. */
  mavenRepository: string;
};

/** Reads the surroundings out of an environment, by default our own. */
export function readSurroundings(env: NodeJS.ProcessEnv = process.env): Surroundings {
  const cacheHome = env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const maven = env['SPOTLOOP_MAVEN_REPOSITORY'] || 'https://repo.maven.apache.org/maven2';
  return {
    cacheFolder: env['SPOTLOOP_CACHE'] || join(cacheHome, 'spotloop'),
    searchFolders: (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
    pubsubEmulatorJar: env['PUBSUB_EMULATOR_JAR'] || undefined,
    gcloudFolder: env['CLOUDSDK_ROOT_DIR'] || undefined,
    ytDlp: env['SPOTLOOP_YTDLP'] || undefined,
    chromium: env['CHROMIUM'] || undefined,
    kubeconfig: env['KUBECONFIG'] || undefined,
    image: env['SPOTLOOP_IMAGES']?.split(',')[0]?.trim() || undefined,
    mavenRepository: maven.replace(/\/+$/, ''),
  };
}
