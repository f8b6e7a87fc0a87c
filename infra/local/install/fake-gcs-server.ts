import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import { cachedPart, foundPart } from './part.ts';
import type { Part } from './part.ts';
import { runStep } from './run-step.ts';
import { readSurroundings } from './surroundings.ts';

/** Pinned: how it stores metadata and answers preconditions has changed between versions. */
const version = '1.56.1';

/** `fake-gcs-server`, which stands in for Cloud Storage: from PATH, else built with Go. */
export async function findFakeGcsServer(): Promise<Part> {
  const { searchFolders, cacheFolder } = readSurroundings();
  const found = await findProgram('fake-gcs-server', searchFolders);
  if (found !== undefined) return foundPart(found);
  const folder = join(cacheFolder, 'bin', `fake-gcs-server-${version}`);
  const program = 'fake-gcs-server';
  // Built on another day, it needs no Go any more.
  if ((await findProgram(program, [folder])) !== undefined) return foundPart(join(folder, program));
  const go = await findProgram('go', searchFolders);
  if (go === undefined) {
    throw new Error(
      'install fake-gcs-server: neither `fake-gcs-server` nor `go` is on PATH — install Go 1.24 or newer (https://go.dev/dl)',
    );
  }
  return cachedPart({
    name: `fake-gcs-server ${version}`,
    folder,
    program,
    announce: 'building it with go install (about 1 min on 2 cores)',
    make: async (emptyFolder) => {
      await runStep({
        doing: `build fake-gcs-server ${version}`,
        command: go,
        args: ['install', `github.com/fsouza/fake-gcs-server@v${version}`],
        env: { GOBIN: emptyFolder },
        hint: 'check the network and `go env GOPROXY`, or put fake-gcs-server on PATH',
      });
    },
  });
}
