import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { assembleImage } from '../../../../infra/local/cluster/images/assemble-image.ts';
import { packLayer } from '../../../../infra/local/cluster/images/pack-layer.ts';
import { runStep } from '../../../../infra/local/install/run-step.ts';

/** What is in the image, beside the libraries that these need: a shell, and enough to wait and to use up memory. */
const programs = ['/bin/sh', '/bin/sleep', '/usr/bin/tail'];

/** Writes an archive of an image that is made of this machine's own shell: 4 MB, there in a moment. */
export async function writeShellImage(archive: string, name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'spotloop-shell-'));
  try {
    const content = join(folder, 'content');
    const needed = await runStep({
      doing: 'list libraries',
      command: 'ldd',
      args: programs,
      hint: '',
    });
    const libraries = needed.match(/\/\S+\.so\S*/g) ?? [];
    for (const file of new Set([...programs, ...libraries])) {
      await mkdir(join(content, dirname(file)), { recursive: true });
      await copyFile(file, join(content, file));
    }
    const layer = join(folder, 'layer.tar');
    await packLayer(content, layer);
    await assembleImage({
      archive,
      name,
      layers: [layer],
      config: { entrypoint: ['/bin/sh', '-c'], env: { PATH: '/bin:/usr/bin' } },
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}
