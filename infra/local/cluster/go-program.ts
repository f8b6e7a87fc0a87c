import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachedPart } from '../install/part.ts';
import type { Part } from '../install/part.ts';
import { runStep } from '../install/run-step.ts';
import { readSurroundings } from '../install/surroundings.ts';

/** A program that is built with Go: a module beside this file, or a published package. */
export type GoProgram = {
  name: string;
  /** Shown and part of the folder's name. A module of ours adds a digest of its files, so that a changed one is built anew. */
  version?: string;
  /** What to build: the folder of a module here, or `PATH@VERSION` of a package. */
  source: { kind: 'module'; folder: string } | { kind: 'package'; path: string };
  announce: string;
  /** Flags for the linker beside `-s -w`. */
  linkerFlags?: readonly string[];
  /** Other names of the program, for one that looks at what it is called by. */
  alsoCalled?: readonly string[];
};

const digestLength = 8;
const hint = 'check the network and `go env GOPROXY`';

/** The part that builds it, static and without symbols. `go` is the path of Go; unused where the program is there already. */
export function goProgramPart(program: GoProgram, go: string): Part {
  const { name, version, source, announce, linkerFlags = [], alsoCalled = [] } = program;
  const title = version === undefined ? name : `${name} ${version}`;
  const moduleFolder =
    source.kind === 'module'
      ? fileURLToPath(new URL(`${source.folder}/`, import.meta.url))
      : undefined;
  const words = [name, version, moduleFolder && digestOfFolder(moduleFolder)];
  const folderName = words.filter((word) => word !== undefined).join('-');
  const flags = [
    '-trimpath',
    '-buildvcs=false',
    `-ldflags=${['-s', '-w', ...linkerFlags].join(' ')}`,
  ];
  return cachedPart({
    name: title,
    folder: join(readSurroundings().cacheFolder, 'bin', folderName),
    program: name,
    announce,
    make: async (emptyFolder) => {
      await runStep({
        doing: `build ${title}`,
        command: go,
        args:
          source.kind === 'module'
            ? ['build', '-C', moduleFolder!, ...flags, '-o', join(emptyFolder, name), '.']
            : ['install', ...flags, source.path],
        env: { CGO_ENABLED: '0', GOBIN: emptyFolder },
        hint,
      });
      for (const other of alsoCalled) await symlink(name, join(emptyFolder, other));
    },
  });
}

function digestOfFolder(folder: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).toSorted()) {
    hash.update(`${file}\0`).update(readFileSync(join(folder, file)));
  }
  return hash.digest('hex').slice(0, digestLength);
}
