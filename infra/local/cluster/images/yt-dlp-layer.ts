import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePart } from '../../install/part.ts';
import { readSurroundings } from '../../install/surroundings.ts';
import { runStep } from '../../install/run-step.ts';
import { findPython, ytDlpVersion } from '../../install/yt-dlp.ts';
import { unpackDebianPackages } from './debian-packages.ts';
import { cachedLayer } from './layer.ts';
import type { Layer } from './layer.ts';
import { unpackLayer } from './pack-layer.ts';
import { systemPackages } from './system-layer.ts';

const pythonPackages = ['python3-minimal', 'libpython3-stdlib'];

/** Isolated: neither the folder it is called in nor `PYTHON…` variables have a say in what is imported. */
const wrapper = `#!/bin/sh
exec /usr/bin/python3 -I -m yt_dlp "$@"
`;

/** The C libraries that wheels are built against; Debian 12 has 2.36. */
const wheelPlatforms = ['manylinux_2_28', 'manylinux_2_17', 'manylinux2014'];

const unusedByPython = [
  'ensurepip',
  'idlelib',
  'lib2to3',
  'pydoc_data',
  'test',
  'tkinter',
  'turtledemo',
];

/** Python and yt-dlp, on top of the system's layer. No ffmpeg: what the local stack serves needs no merging. */
export async function ytDlpLayer(system: Layer): Promise<Layer> {
  return cachedLayer({
    name: 'yt-dlp',
    modules: [import.meta.url, import.meta.resolve('./debian-packages.ts')],
    dependsOn: [system.key, ytDlpVersion],
    announce: `unpacking Python and installing yt-dlp ${ytDlpVersion} from PyPI (about 20 s)`,
    fill: async (content) => {
      const downloads = `${content}-downloads`;
      await mkdir(downloads);
      await unpackDebianPackages({
        wanted: pythonPackages,
        present: systemPackages,
        root: content,
        downloads,
      });
      const python = await readPythonVersion(content);
      const library = join(content, 'usr', 'lib', `python${python}`);
      for (const name of unusedByPython) {
        await rm(join(library, name), { recursive: true, force: true });
      }
      // Where Debian's Python looks for what its own packages don't bring.
      const target = join(content, 'usr', 'local', 'lib', `python${python}`, 'dist-packages');
      await installYtDlp(python, target);
      const systemRoot = join(downloads, 'system');
      await mkdir(systemRoot);
      await unpackLayer(await ensurePart(system.part), systemRoot);
      await compile(content, systemRoot, python);
      await rm(downloads, { recursive: true });
      const programs = join(content, 'usr', 'local', 'bin');
      await mkdir(programs, { recursive: true });
      await writeFile(join(programs, 'yt-dlp'), wrapper, { mode: 0o755 });
    },
  });
}

/** Major and minor, such as `3.11`: whichever Debian has. */
async function readPythonVersion(root: string): Promise<string> {
  const names = await readdir(join(root, 'usr', 'lib'));
  const version = names.map((name) => /^python(3\.\d+)$/.exec(name)?.[1]).find(Boolean);
  if (version === undefined) {
    throw new Error(
      `find Python in ${root}: no usr/lib/python3.N — check what ${pythonPackages.join(' and ')} hold on this Debian`,
    );
  }
  return version;
}

/** With this machine's pip, but for the image's Python. */
async function installYtDlp(python: string, target: string): Promise<void> {
  await runStep({
    doing: `install yt-dlp ${ytDlpVersion} for Python ${python}`,
    command: await findPython(readSurroundings().searchFolders),
    args: [
      '-m',
      'pip',
      'install',
      '--no-input',
      '--no-compile',
      `--target=${target}`,
      '--implementation=cp',
      `--python-version=${python}`,
      '--only-binary=:all:',
      ...wheelPlatforms.map((platform) => `--platform=${platform}_${cpu()}`),
      `yt-dlp[default]==${ytDlpVersion}`,
    ],
    hint: 'check the network and pip (PIP_INDEX_URL)',
  });
  // pip's scripts name this machine's Python; the rest is for people and for the libraries' own tests.
  for (const name of ['bin', 'share', join('Cryptodome', 'SelfTest')]) {
    await rm(join(target, name), { recursive: true, force: true });
  }
}

/**
 * Compiles all modules with the image's own Python: on a read-only root it could keep nothing of what it compiles, and each
 * item would pay for that again. The results don't look at their source's date, which is 1970 in a layer.
 */
async function compile(root: string, systemRoot: string, python: string): Promise<void> {
  const libraries = (folder: string) => join(folder, 'usr', 'lib', `${cpu()}-linux-gnu`);
  const loader = (await readdir(libraries(systemRoot))).find((name) => name.startsWith('ld-linux'));
  await runStep({
    doing: 'compile the modules of Python and yt-dlp',
    // The loader, called by name, takes libraries from where it is told: no root and no container is needed. In one
    // process (no `-j`), for those that newer Pythons start beside it would be without the loader.
    command: join(libraries(systemRoot), loader ?? 'ld-linux.so'),
    args: [
      '--library-path',
      `${libraries(systemRoot)}:${libraries(root)}`,
      join(root, 'usr', 'bin', `python${python}`),
      '-m',
      'compileall',
      '-q',
      '--invalidation-mode=unchecked-hash',
      // What a traceback shows are paths in the image.
      '-s',
      root,
      '-p',
      '/',
      join(root, 'usr', 'lib', `python${python}`),
      join(root, 'usr', 'local', 'lib', `python${python}`),
    ],
    env: { PYTHONHOME: join(root, 'usr') },
    hint: 'see what it says of the file',
  });
}

/** This processor in the words of wheels and of Debian's library folders. */
function cpu(): string {
  return process.arch === 'arm64' ? 'aarch64' : 'x86_64';
}
