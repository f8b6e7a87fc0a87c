import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedPart } from '../install/part.ts';
import type { Part } from '../install/part.ts';
import { runStep } from '../install/run-step.ts';
import { readSurroundings } from '../install/surroundings.ts';

/**
 * What a node runs beside the kubelet, and the libraries of theirs that a small system may lack. runc, as crun does not
 * work where cgroup version 1 and 2 are both mounted.
 */
const packages = [
  'containerd',
  'runc',
  'containernetworking-plugins',
  'dbus-daemon',
  'libapparmor1',
  'libaudit1',
  'libcap-ng0',
  'libdbus-1-3',
  'libexpat1',
  'libseccomp2',
];

const digestLength = 8;
const hint = 'check the network and /etc/apt/sources.list';

/** The node's programs, unpacked from packages of this Debian (or Ubuntu) release; nothing is installed on the machine. */
export async function nodeProgramsPart(): Promise<Part> {
  const release = parseRelease(await readFile('/etc/os-release', 'utf8').catch(() => ''));
  const digest = createHash('sha256').update(packages.join()).digest('hex').slice(0, digestLength);
  const name = `node-programs-${release}`;
  return cachedPart({
    name,
    folder: join(readSurroundings().cacheFolder, 'bin', `${name}-${digest}`),
    program: '.',
    announce: `downloading and unpacking ${packages.length} packages with apt-get (about 20 s)`,
    make: unpackPackages,
  });
}

/** `bookworm` of the text of /etc/os-release. */
export function parseRelease(text: string): string {
  const value = (key: string): string | undefined =>
    new RegExp(`^${key}="?([\\w.-]+)"?$`, 'm').exec(text)?.[1];
  return value('VERSION_CODENAME') ?? value('ID') ?? 'unknown';
}

async function unpackPackages(emptyFolder: string): Promise<void> {
  const archives = join(emptyFolder, '.archives');
  await mkdir(archives);
  // apt-get downloads into the current folder.
  const download = (): Promise<string> =>
    runStep({
      doing: 'download the packages of a node',
      command: 'env',
      args: [`--chdir=${archives}`, 'apt-get', '--quiet', 'download', ...packages],
      hint,
    });
  await download().catch(async () => {
    // A fresh machine has no lists of packages, and an old one has lists that are out of date.
    await runStep({
      doing: 'read the lists of packages',
      command: 'apt-get',
      args: ['--quiet', 'update'],
      hint,
    });
    await download();
  });
  for (const archive of await readdir(archives)) {
    await runStep({
      doing: `unpack ${archive}`,
      command: 'dpkg',
      args: ['--extract', join(archives, archive), emptyFolder],
      hint: 'check that the disk has room',
    });
  }
  await rm(archives, { recursive: true });
}
