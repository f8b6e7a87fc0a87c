import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { runStep } from '../../install/run-step.ts';

/** Which Debian packages to unpack, and where. */
export type Unpacking = {
  /** The packages that are wanted; apt finds out what they need. */
  wanted: readonly string[];
  /** Packages that are there already, with all that they need: in a layer below. */
  present: readonly string[];
  /** The root of the file system to unpack into. */
  root: string;
  /** An empty folder for the packages themselves. */
  downloads: string;
};

/** What only the scripts need that run when a package is installed, and we run none. */
const forInstallation = new Set(['debconf', 'dpkg', 'openssl', 'perl-base', 'tar']);

/** Read by people, by apt, or by programs that choose a locale: nobody does in a container. */
const leftOut = ['doc', 'man', 'locale', 'lintian', 'bug', 'debconf', 'perl5', 'info'].map((name) =>
  join('usr', 'share', name),
);

/** These folders of Debian are links into /usr, but packages of Debian 12 still have files in them. */
const mergedFolders = ['bin', 'sbin', 'lib', 'lib64'];

/**
 * Unpacks Debian packages and what they need into a folder, out of which they run when it is a container's root. Nothing is
 * installed on this machine: apt works on an empty list of installed packages, `dpkg-deb` only unpacks.
 */
export async function unpackDebianPackages(unpacking: Unpacking): Promise<void> {
  const { wanted, present, root, downloads } = unpacking;
  // Both folders are apt's: `partial` is where it keeps what is not complete.
  await mkdir(join(downloads, 'partial'));
  const isPresent = new Set(
    present.length === 0 ? [] : await askApt(downloads, ['--print-uris', ...present]).then(namesIn),
  );
  await askApt(downloads, ['--download-only', ...present, ...wanted]);
  const files = (await readdir(downloads)).filter((file) => file.endsWith('.deb'));
  for (const file of files) {
    const name = packageName(file);
    if (forInstallation.has(name) || isPresent.has(name)) continue;
    await runStep({
      doing: `unpack Debian package ${file}`,
      command: 'dpkg-deb',
      args: ['--extract', join(downloads, file), root],
      hint: 'check the disk space',
    });
  }
  for (const folder of mergedFolders) await mergeIntoUsr(root, folder);
  for (const folder of leftOut) await rm(join(root, folder), { recursive: true, force: true });
}

/** `apt-get install` for a machine that has nothing; the lists of packages are fetched when they are missing or too old. */
async function askApt(downloads: string, args: readonly string[]): Promise<string> {
  const nothingInstalled = join(downloads, 'status');
  await writeFile(nothingInstalled, '');
  const ask = () =>
    runStep({
      doing: `find Debian packages (apt-get install ${args.join(' ')})`,
      command: 'apt-get',
      args: [
        `--option=Dir::State::status=${nothingInstalled}`,
        `--option=Dir::Cache::archives=${downloads}`,
        // The machine's own cache of apt's is not to be written from another state.
        '--option=Dir::Cache::pkgcache=',
        '--option=Dir::Cache::srcpkgcache=',
        // Nothing of the machine's is changed, so nobody need wait for us, nor we for anybody.
        '--option=Debug::NoLocking=true',
        // apt's own user may not write into our folder.
        '--option=APT::Sandbox::User=root',
        '--quiet=2',
        '--assume-yes',
        '--no-install-recommends',
        'install',
        ...args,
      ],
      hint: 'run this on Debian or Ubuntu, and check the network and /etc/apt/sources.list',
    });
  try {
    return await ask();
  } catch {
    // Whatever else was wrong, the second try says so as well.
    await runStep({
      doing: 'fetch the lists of Debian packages',
      command: 'apt-get',
      args: ['update', '--quiet=2'],
      hint: 'run `apt-get update` as root',
    });
    return await ask();
  }
}

/** The packages that `--print-uris` names: a line each, `'http://…' libc6_2.36-9_amd64.deb 2759320 SHA256:…`. */
function namesIn(uris: string): string[] {
  const lines = uris.split('\n').filter((line) => line.startsWith("'"));
  return lines.map((line) => packageName(line.split(' ')[1] ?? ''));
}

/** Debian's files are `NAME_VERSION_ARCHITECTURE.deb`, and no name has an underscore. */
function packageName(file: string): string {
  return basename(file).split('_')[0] ?? file;
}

async function mergeIntoUsr(root: string, folder: string): Promise<void> {
  const path = join(root, folder);
  const merged = join(root, 'usr', folder);
  if (existsSync(path)) {
    await cp(path, merged, { recursive: true, verbatimSymlinks: true });
    await rm(path, { recursive: true });
  }
  if (existsSync(merged)) await symlink(join('usr', folder), path);
}
