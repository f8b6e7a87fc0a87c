import { runStep } from '../../install/run-step.ts';

/**
 * Packs what is in a folder into the tar file of an image layer. The same content gives the same bytes, whoever packs it
 * and when: entries are sorted, belong to root and are of 1970. What its owner may read, everyone may: the image's
 * user is not the one who packs.
 */
export async function packLayer(folder: string, layerFile: string): Promise<void> {
  await tar(folder, layerFile, ['--mode=a+rX']);
}

/** Unpacks a layer over what is in a folder; all of it becomes ours. */
export async function unpackLayer(layerFile: string, folder: string): Promise<void> {
  await runStep({
    doing: `unpack ${layerFile} into ${folder}`,
    command: 'tar',
    args: ['--extract', '--no-same-owner', `--file=${layerFile}`, `--directory=${folder}`],
    hint: 'check the disk space',
  });
}

/** `tar` over a folder's content, without a trace of when and by whom. GNU tar, as on every Linux that runs a kubelet. */
export async function tar(folder: string, file: string, options: readonly string[]): Promise<void> {
  await runStep({
    doing: `pack ${folder} into ${file}`,
    command: 'tar',
    args: [
      '--create',
      '--format=gnu',
      '--sort=name',
      '--numeric-owner',
      '--owner=0',
      '--group=0',
      '--mtime=@0',
      ...options,
      `--file=${file}`,
      `--directory=${folder}`,
      '.',
    ],
    hint: 'install GNU tar, and check the disk space',
  });
}
