import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from './find-program.ts';
import { cachedPart, foundPart } from './part.ts';
import type { Part } from './part.ts';
import { runStep } from './run-step.ts';
import { readSurroundings } from './surroundings.ts';

/**
 * Pinned: what yt-dlp writes to stderr, which is classified, moves with its version. Not the newest, as those want a
 * certifi of the same week, which mirrors of PyPI have only later.
 */
export const ytDlpVersion = '2026.8.19';

/** Newest first; a plain `python3` before them, as it is what the user chose. yt-dlp needs 3.10. */
const pythons = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const pythonCheck = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))';
const pythonHint = 'install Python 3.10 or newer with its venv module (Debian: python3-venv)';

/** The scripts that pip writes hold the path they were made at, and a cached part is renamed after that. */
const wrapper = `#!/bin/sh
exec "\${0%/*}/venv/bin/python" -m yt_dlp "$@"
`;

/** `yt-dlp`: named by `$SPOTLOOP_YTDLP`, else from PATH, else from PyPI in a virtual environment of its own. */
export async function findYtDlp(): Promise<Part> {
  const { ytDlp, searchFolders, cacheFolder } = readSurroundings();
  const found = ytDlp ?? (await findProgram('yt-dlp', searchFolders));
  if (found !== undefined) return foundPart(found);
  const folder = join(cacheFolder, 'bin', `yt-dlp-${ytDlpVersion}`);
  const program = 'yt-dlp';
  if ((await findProgram(program, [folder])) !== undefined) return foundPart(join(folder, program));
  const python = await findPython(searchFolders);
  return cachedPart({
    name: `yt-dlp ${ytDlpVersion}`,
    folder,
    program,
    announce: 'installing it from PyPI into a virtual environment (about 15 s)',
    make: async (emptyFolder) => {
      const doing = `install yt-dlp ${ytDlpVersion}`;
      const venv = join(emptyFolder, 'venv');
      await runStep({ doing, command: python, args: ['-m', 'venv', venv], hint: pythonHint });
      await runStep({
        doing,
        command: join(venv, 'bin', 'python'),
        args: ['-m', 'pip', 'install', '--no-input', `yt-dlp[default]==${ytDlpVersion}`],
        hint: 'check the network and pip (PIP_INDEX_URL), or put yt-dlp on PATH',
      });
      await writeFile(join(emptyFolder, program), wrapper, { mode: 0o755 });
    },
  });
}

/** A Python that yt-dlp runs on, and that can install it. */
export async function findPython(searchFolders: readonly string[]): Promise<string> {
  for (const name of pythons) {
    const python = await findProgram(name, searchFolders);
    if (python === undefined) continue;
    const isFit = await runStep({
      doing: `check ${python}`,
      command: python,
      args: ['-c', pythonCheck],
      hint: pythonHint,
    }).then(
      () => true,
      () => false,
    );
    if (isFit) return python;
  }
  throw new Error(`install yt-dlp: no fitting python3 on PATH — ${pythonHint}`);
}
