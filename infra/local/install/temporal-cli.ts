import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import { cachedPart, foundPart } from './part.ts';
import type { Part } from './part.ts';
import { runStep } from './run-step.ts';
import { readSurroundings } from './surroundings.ts';

/** The newest tag that `go install` takes: later ones have a replace directive. Server 1.29.1, Web UI 2.42.1. */
const version = '1.5.1';

/**
 * The `temporal` program, which holds the development server and its Web UI: from PATH, else built with Go, else (no Go)
 * downloaded by Temporal's SDK.
 */
export async function findTemporalCli(): Promise<Part> {
  const { searchFolders, cacheFolder } = readSurroundings();
  const found = await findProgram('temporal', searchFolders);
  if (found !== undefined) return foundPart(found);
  const go = await findProgram('go', searchFolders);
  return cachedPart({
    name: `temporal ${version}`,
    folder: join(cacheFolder, 'bin', `temporal-${version}`),
    program: 'temporal',
    ...(go === undefined
      ? {
          announce: "downloading it with Temporal's SDK, as there is no go on PATH (about 100 MB)",
          make: download,
        }
      : {
          announce: 'building it with go install (about 3 min on 2 cores)',
          make: (emptyFolder) => build(go, emptyFolder),
        }),
  });
}

async function build(go: string, emptyFolder: string): Promise<void> {
  await runStep({
    doing: `build temporal ${version}`,
    command: go,
    args: ['install', `github.com/temporalio/cli/cmd/temporal@v${version}`],
    env: { GOBIN: emptyFolder },
    hint: 'check the network and `go env GOPROXY`, or put the Temporal CLI on PATH (https://docs.temporal.io/cli)',
  });
}

async function download(emptyFolder: string): Promise<void> {
  try {
    // Only here, as it loads the SDK's native code, which nobody else of the stack needs.
    const { downloadTemporalCli } = await import('./download-temporal-cli.ts');
    const program = await downloadTemporalCli(emptyFolder, `v${version}`);
    await rename(program, join(emptyFolder, 'temporal'));
  } catch (cause) {
    throw new Error(
      'install temporal: neither `temporal` nor `go` is on PATH and the download failed — ' +
        'install Go (https://go.dev/dl) or the Temporal CLI (https://docs.temporal.io/cli)',
      { cause },
    );
  }
}
