import { findProgram } from './find-program.ts';
import { readSurroundings } from './surroundings.ts';

/** The path of `java` on PATH; it is only looked for, never installed. A JVM that is too old says so in the server's log. */
export async function findJava(): Promise<string> {
  const java = await findProgram('java', readSurroundings().searchFolders);
  if (java === undefined)
    throw new Error(
      'find java: not on PATH — install Java 17 or newer, such as the Debian package openjdk-17-jre-headless (https://adoptium.net)',
    );
  return java;
}
