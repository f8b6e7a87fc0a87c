import { findProgram } from './find-program.ts';
import { runStep } from './run-step.ts';
import { readSurroundings } from './surroundings.ts';

/** What the Pub/Sub emulator and Temporal's test server are compiled for. */
const OLDEST_JAVA = 11;
const HINT =
  'install Java 17, such as the Debian package openjdk-17-jre-headless (https://adoptium.net)';

/** The path of `java` on PATH; it is only looked for, never installed. */
export async function findJava(): Promise<string> {
  const java = await findProgram('java', readSurroundings().searchFolders);
  if (java === undefined) throw new Error(`find java: not on PATH — ${HINT}`);
  return java;
}

/** Like {@link findJava}, and checks that it runs and is new enough, which costs a JVM's start. */
export async function checkJava(): Promise<string> {
  const java = await findJava();
  const settings = await runStep({
    doing: 'ask java for its version',
    command: java,
    args: ['--version'],
    hint: HINT,
  });
  const major = Number(/^\S+ (\d+)/.exec(settings)?.[1]);
  if (!(major >= OLDEST_JAVA)) {
    throw new Error(`check java: ${java} is version ${major}, older than ${OLDEST_JAVA} — ${HINT}`);
  }
  return java;
}
