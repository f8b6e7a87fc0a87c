import { join } from 'node:path';
import type { ProcessOptions } from '../process.ts';

/** Where Debian puts libraries for this processor. */
const libraryFolder = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';

/** What programs that were unpacked to `nodeRoot`, rather than installed, need to find each other. */
export function environmentOf(nodeRoot: string): Record<string, string> {
  const libraries = ['usr/lib', 'lib'].map((one) => join(nodeRoot, one, libraryFolder));
  return {
    PATH: `${join(nodeRoot, 'usr/bin')}:${join(nodeRoot, 'usr/sbin')}:${process.env['PATH']}`,
    LD_LIBRARY_PATH: libraries.join(':'),
  };
}

/** How to start containerd in a machine of ours. */
export function describeContainerd(options: {
  name: string;
  nodeRoot: string;
  configFile: string;
  logFile: string;
}): ProcessOptions {
  const { name, nodeRoot, configFile, logFile } = options;
  return {
    name: `containerd of ${name}`,
    command: join(nodeRoot, 'usr/bin/containerd'),
    args: [`--config=${configFile}`],
    env: environmentOf(nodeRoot),
    logFile,
    ready: { kind: 'line', test: (line) => line.includes('containerd successfully booted') },
  };
}

/** The command that takes an archive of an image from its input, for a kubelet to find. */
export function importCommand(nodeRoot: string): string[] {
  return [join(nodeRoot, 'usr/bin/ctr'), '--namespace=k8s.io', 'images', 'import', '-'];
}
