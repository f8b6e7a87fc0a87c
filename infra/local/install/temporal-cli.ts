import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import { place } from './place.ts';
import type { Report } from './place.ts';
import { runStep } from './run-step.ts';
import { readSurroundings } from './surroundings.ts';

/** The newest tag that `go install` takes: later ones have a replace directive. Server 1.29.1, Web UI 2.42.1. */
const GO_VERSION = '1.5.1';
/** The same one, so that a problem seen with one build is seen with the other. */
const DOWNLOAD_VERSION = GO_VERSION;

/**
 * The path of the `temporal` program, which holds the development server and its Web UI: from PATH, else built with Go
 * into the cache, else (no Go) downloaded by Temporal's SDK.
 */
export async function installTemporalCli(report: Report): Promise<string> {
  const { searchFolders, cacheFolder } = readSurroundings();
  const found = await findProgram('temporal', searchFolders);
  if (found !== undefined) return found;
  const go = await findProgram('go', searchFolders);
  return go === undefined ? download(cacheFolder, report) : build(go, cacheFolder, report);
}

async function build(go: string, cacheFolder: string, report: Report): Promise<string> {
  const folder = join(cacheFolder, 'bin', `temporal-${GO_VERSION}`);
  await place({
    name: `temporal ${GO_VERSION}`,
    folder,
    announce: 'building it with go install (about 3 min on 2 cores)',
    make: async (emptyFolder) => {
      await runStep({
        doing: `build temporal ${GO_VERSION}`,
        command: go,
        args: ['install', `github.com/temporalio/cli/cmd/temporal@v${GO_VERSION}`],
        env: { GOBIN: emptyFolder },
        hint: 'check the network and `go env GOPROXY`, or put the Temporal CLI on PATH (https://docs.temporal.io/cli)',
      });
    },
    report,
  });
  return join(folder, 'temporal');
}

async function download(cacheFolder: string, report: Report): Promise<string> {
  const folder = join(cacheFolder, 'bin', `temporal-${DOWNLOAD_VERSION}-official`);
  await place({
    name: `temporal ${DOWNLOAD_VERSION}`,
    folder,
    announce: 'downloading it, as there is no go on PATH (about 100 MB)',
    make: async (emptyFolder) => {
      const { downloadTemporalCli } = await import('./download-temporal-cli.ts');
      const program = await downloadTemporalCli(emptyFolder, `v${DOWNLOAD_VERSION}`).catch(
        (cause: unknown) => {
          throw new Error(
            'install temporal: neither `temporal` nor `go` is on PATH and the download failed — ' +
              'install Go (https://go.dev/dl) or the Temporal CLI (https://docs.temporal.io/cli)',
            { cause },
          );
        },
      );
      await rename(program, join(emptyFolder, 'temporal'));
    },
    report,
  });
  return join(folder, 'temporal');
}
