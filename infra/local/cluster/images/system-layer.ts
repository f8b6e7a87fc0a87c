import { chmod, glob, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runStep } from '../../install/run-step.ts';
import { unpackDebianPackages } from './debian-packages.ts';
import { cachedLayer } from './layer.ts';
import type { Layer } from './layer.ts';

/** What Node needs, a shell with the usual commands for probes and for people (in one file of 2 MB), and who is to be trusted. */
export const systemPackages = [
  'libc6',
  'libgcc-s1',
  'libstdc++6',
  'busybox-static',
  'ca-certificates',
] as const;

/** The user that the images run as, `USER:GROUP`. A number of its own, so that it owns nothing on a node. */
export const imageUser = '10001:10001';

const [userId, groupId] = imageUser.split(':');

/** Conversions between character sets that only `iconv` reads: 8 MB. */
const unused = ['usr/lib/*-linux-gnu/gconv', 'usr/share/ca-certificates'];

/** The home is one that every user may write to, where the root can be written at all. */
const files: Readonly<Record<string, string>> = {
  'etc/passwd': `root:x:0:0:root:/:/bin/sh\nspotloop:x:${userId}:${groupId}:spotloop:/tmp:/bin/sh\n`,
  'etc/group': `root:x:0:\nspotloop:x:${groupId}:\n`,
  // A kubelet puts its own over this one.
  'etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

/** The lowest layer of both images: an operating system without its kernel, its init and its package manager. */
export async function systemLayer(): Promise<Layer> {
  return cachedLayer({
    name: 'system',
    modules: [import.meta.url, import.meta.resolve('./debian-packages.ts')],
    dependsOn: [
      // This machine's Debian: packages come from its lists.
      await readFile('/etc/os-release', 'utf8'),
      process.arch,
    ],
    announce: 'unpacking Debian packages (about 5 s)',
    fill: async (content) => {
      const downloads = `${content}-downloads`;
      await mkdir(downloads);
      await unpackDebianPackages({
        wanted: systemPackages,
        present: [],
        root: content,
        downloads,
      });
      await rm(downloads, { recursive: true });
      await trustCertificates(content);
      await linkCommands(content);
      for (const [name, text] of Object.entries(files)) await writeFile(join(content, name), text);
      for (const folder of ['proc', 'sys', 'dev', 'tmp', 'app']) {
        await mkdir(join(content, folder), { recursive: true });
      }
      await chmod(join(content, 'tmp'), 0o1777);
      await removeUnused(content);
    },
  });
}

/** What `update-ca-certificates` does when the package is installed, and where OpenSSL looks unless told otherwise. */
async function trustCertificates(root: string): Promise<void> {
  const folder = join(root, 'usr', 'share', 'ca-certificates', 'mozilla');
  const names = (await readdir(folder)).toSorted((a, b) => (a < b ? -1 : 1));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  const bundle = '/etc/ssl/certs/ca-certificates.crt';
  await mkdir(join(root, dirname(bundle)), { recursive: true });
  await writeFile(join(root, bundle), texts.map((text) => `${text.trimEnd()}\n`).join(''));
  await mkdir(join(root, 'usr', 'lib', 'ssl'), { recursive: true });
  await symlink(bundle, join(root, 'usr', 'lib', 'ssl', 'cert.pem'));
}

/** `sh`, `test`, `find` and the others as links to busybox, which acts by the name it is called by. */
async function linkCommands(root: string): Promise<void> {
  const folder = join(root, 'usr', 'bin');
  const busybox = join(folder, 'busybox');
  const names = await runStep({
    doing: 'list the commands of busybox',
    command: busybox,
    args: ['--list'],
    hint: 'check that the package busybox-static is for this processor',
  });
  const present = new Set(await readdir(folder));
  for (const name of names.trim().split('\n')) {
    if (!present.has(name)) await symlink('busybox', join(folder, name));
  }
}

async function removeUnused(root: string): Promise<void> {
  for await (const path of glob(unused, { cwd: root })) {
    await rm(join(root, path), { recursive: true });
  }
}
