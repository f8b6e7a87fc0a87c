import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { findJava } from './java.ts';
import { cachedPart } from './part.ts';
import type { Part } from './part.ts';
import { readSurroundings } from './surroundings.ts';

/**
 * Temporal's time-skipping test server, from Maven Central: the SDK's own download of it needs temporal.download, which
 * closed networks rarely let through. The jars are listed with their hashes, as a machine need not have Maven.
 */
const lockFile = new URL('test-server.lock.json', import.meta.url);
const lockSchema = z.object({ version: z.string(), jars: z.record(z.string(), z.string()) });

/** The SDK passes the port, and whatever else, as arguments. */
const wrapper = `#!/bin/sh
exec java -cp "$(dirname "$0")/jars/*" io.temporal.testserver.TestServer "$@"
`;

/** Half of what browsers open to one host; the jars are small and latency is what costs. */
const downloadsAtOnce = 4;
/** The largest jar has 10 MB: enough for a slow line, and a dead one is noticed. */
const downloadMs = 120_000;

/** Temporal's test server as a start script that needs Java; `installTestServer` gives its path to the SDK. */
export async function findTestServer(): Promise<Part> {
  await findJava();
  const { cacheFolder, mavenRepository } = readSurroundings();
  const { version, jars } = lockSchema.parse(JSON.parse(await readFile(lockFile, 'utf8')));
  const program = 'temporal-test-server';
  return cachedPart({
    name: `${program} ${version}`,
    folder: join(cacheFolder, 'bin', `${program}-${version}`),
    program,
    announce: `downloading ${Object.keys(jars).length} jars from ${mavenRepository} (38 MB)`,
    make: async (emptyFolder) => {
      const jarFolder = join(emptyFolder, 'jars');
      await mkdir(jarFolder);
      const waiting = Object.entries(jars);
      const lane = async (): Promise<void> => {
        for (let jar = waiting.pop(); jar !== undefined; jar = waiting.pop()) {
          const [path, sha256] = jar;
          const bytes = await download(`${mavenRepository}/${path}`, sha256);
          await writeFile(join(jarFolder, basename(path)), bytes);
        }
      };
      await Promise.all(Array.from({ length: downloadsAtOnce }, lane));
      await writeFile(join(emptyFolder, program), wrapper, { mode: 0o755 });
    },
  });
}

async function download(url: string, sha256: string): Promise<Buffer> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(downloadMs) }).catch(
    (cause: unknown) => {
      throw new Error(
        `download ${url}: no answer — check the network, or name a mirror in SPOTLOOP_MAVEN_REPOSITORY`,
        { cause },
      );
    },
  );
  if (!answer.ok) {
    throw new Error(
      `download ${url}: ${answer.status} — name a repository that has it in SPOTLOOP_MAVEN_REPOSITORY`,
    );
  }
  const bytes = Buffer.from(await answer.arrayBuffer());
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256) {
    throw new Error(
      `download ${url}: its sha256 is ${found}, not the expected ${sha256} — something on the way changes files; use another mirror`,
    );
  }
  return bytes;
}
