/**
 * The images that a new node has from its start. To import half a gigabyte keeps a core busy for ten seconds, so that is
 * done once, by a containerd that runs for this alone; a node gets what that left, as links to the same files.
 */
import { copyFile, link, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runStep } from '../install/run-step.ts';
import type { ClusterPrograms } from './install-cluster.ts';
import { describeContainerd, importCommand } from './containerd.ts';
import { renderStoreConfig } from './node-config.ts';
import { startNodeMachine } from './node-machine.ts';

/** What a cluster's nodes are given. */
export type ImageStore = {
  /** Remembers an image, and gives back where its archive is kept from now on. */
  add: (archive: string) => Promise<string>;
  /** Makes the folder of a containerd that has all these images. */
  copyTo: (folder: string) => Promise<void>;
};

/** containerd's databases change in place; all its other files are only ever replaced. */
const databases = [
  'io.containerd.metadata.v1.bolt/meta.db',
  'io.containerd.snapshotter.v1.overlayfs/metadata.db',
];

/** A store without images, in a folder of its own. */
export function createImageStore(options: {
  folder: string;
  logFolder: string;
  programs: ClusterPrograms;
}): ImageStore {
  const { folder, logFolder, programs } = options;
  const { nodeRoot } = programs;
  const machineFolder = join(folder, 'store');
  const archives: string[] = [];
  let added = 0;
  let imported = 0;
  /** One at a time: two nodes ask at the same moment. */
  let latest: Promise<void> = Promise.resolve();

  const importMissing = async (): Promise<void> => {
    if (imported === archives.length) return;
    await mkdir(machineFolder, { recursive: true });
    const configFile = join(machineFolder, 'containerd.toml');
    await writeFile(configFile, renderStoreConfig());
    const machine = await startNodeMachine({
      name: 'images',
      folder: machineFolder,
      programFolder: dirname(nodeRoot),
      pause: programs.pause,
      logFolder,
    });
    try {
      const logFile = join(logFolder, 'images-containerd.log');
      await machine.start(describeContainerd({ name: 'images', nodeRoot, configFile, logFile }));
      for (const archive of archives.slice(imported)) {
        await machine.run(`import the image ${archive}`, importCommand(nodeRoot), archive);
        imported++;
      }
    } finally {
      // Its databases bear that: they are written by transactions.
      await machine.powerOff();
    }
  };

  return {
    add: async (archive) => {
      await mkdir(folder, { recursive: true });
      const kept = join(folder, `${added++}.tar`);
      // No second copy of some hundred megabytes, where both are on one disk.
      await link(archive, kept).catch(() => copyFile(archive, kept));
      archives.push(kept);
      return kept;
    },
    copyTo: async (target) => {
      latest = latest.catch(() => {}).then(importMissing);
      await latest;
      const source = join(machineFolder, 'containerd');
      await rm(target, { recursive: true, force: true });
      await runStep({
        doing: `copy the images to ${target}`,
        command: 'cp',
        args: ['--archive', '--link', source, target],
        hint: 'check that the disk has room',
      });
      for (const name of databases) {
        await rm(join(target, name));
        await copyFile(join(source, name), join(target, name));
      }
    },
  };
}
