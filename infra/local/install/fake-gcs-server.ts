import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import { place } from './place.ts';
import type { Report } from './place.ts';
import { runStep } from './run-step.ts';
import { readSurroundings } from './surroundings.ts';

/** Pinned: how it stores metadata and answers preconditions has changed between versions. */
const VERSION = '1.56.1';

/** The path of `fake-gcs-server`, which stands in for Cloud Storage: from PATH, else built with Go into the cache. */
export async function installFakeGcsServer(report: Report): Promise<string> {
  const { searchFolders, cacheFolder } = readSurroundings();
  const found = await findProgram('fake-gcs-server', searchFolders);
  if (found !== undefined) return found;

  const folder = join(cacheFolder, 'bin', `fake-gcs-server-${VERSION}`);
  await place({
    name: `fake-gcs-server ${VERSION}`,
    folder,
    announce: 'building it with go install (about 1 min on 2 cores)',
    make: async (emptyFolder) => {
      const go = await findProgram('go', searchFolders);
      if (go === undefined) {
        throw new Error(
          'install fake-gcs-server: neither `fake-gcs-server` nor `go` is on PATH — install Go 1.24 or newer (https://go.dev/dl)',
        );
      }
      await runStep({
        doing: `build fake-gcs-server ${VERSION}`,
        command: go,
        args: ['install', `github.com/fsouza/fake-gcs-server@v${VERSION}`],
        env: { GOBIN: emptyFolder },
        hint: 'check the network and `go env GOPROXY`, or put fake-gcs-server on PATH',
      });
    },
    report,
  });
  return join(folder, 'fake-gcs-server');
}
