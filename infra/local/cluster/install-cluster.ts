import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findProgram } from '../install/find-program.ts';
import { ensurePart } from '../install/part.ts';
import type { Report } from '../install/part.ts';
import { readSurroundings } from '../install/surroundings.ts';
import { goProgramPart } from './go-program.ts';
import type { GoProgram } from './go-program.ts';
import { nodeProgramsPart } from './node-programs.ts';
import { listMissing, neededPrograms } from './requirements.ts';

/** Where the programs of a cluster are. */
export type ClusterPrograms = {
  /** The folder with `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `kubelet` and `kubectl`. */
  kubernetesFolder: string;
  kwok: string;
  /** The stand-in for systemd-logind. */
  logind: string;
  /** What the first container of a pod runs. */
  pause: string;
  /** The root of the unpacked packages: `usr/bin/containerd`, `usr/sbin/runc`, `usr/lib/cni`, `usr/bin/dbus-daemon`. */
  nodeRoot: string;
};

/** The newest whose kubelet takes cgroup version 1 without being told. etcd's version, 3.6.4, is the one it asks for. */
const kubernetesVersion = '1.34.4';
const versionPackage = 'k8s.io/component-base/version';

const kubernetes: GoProgram = {
  name: 'kubernetes',
  version: kubernetesVersion,
  source: { kind: 'module', folder: 'kubernetes' },
  announce: 'building it with Go (5 to 6 min on 2 cores)',
  // A component that doesn't know its version is refused by others as too old.
  linkerFlags: [
    `-X ${versionPackage}.gitVersion=v${kubernetesVersion}`,
    `-X ${versionPackage}.gitMajor=1`,
    `-X ${versionPackage}.gitMinor=34`,
    `-X ${versionPackage}.gitTreeState=clean`,
  ],
  alsoCalled: [
    'etcd',
    'kube-apiserver',
    'kube-controller-manager',
    'kube-scheduler',
    'kubelet',
    'kubectl',
  ],
};

const kwok: GoProgram = {
  name: 'kwok',
  version: '0.7.0',
  source: { kind: 'package', path: 'sigs.k8s.io/kwok/cmd/kwok@v0.7.0' },
  announce: 'building it with go install (about 1 min on 2 cores)',
};

const logind: GoProgram = {
  name: 'logind',
  source: { kind: 'module', folder: 'logind' },
  announce: 'building it with Go (2 s)',
};

const pause: GoProgram = {
  name: 'pause',
  source: { kind: 'module', folder: 'pause' },
  announce: 'building it with Go (1 s)',
};

/**
 * Makes the programs of a cluster where they are not in the cache yet: in 8 min or so on a new machine, else at once.
 * What the machine lacks is said first and all at once: an error of one line each.
 */
export async function installCluster(report: Report): Promise<ClusterPrograms> {
  const { searchFolders } = readSurroundings();
  const go = await findProgram('go', searchFolders);
  const parts = [kubernetes, kwok, logind, pause].map((one) => goProgramPart(one, go ?? 'go'));
  parts.push(await nodeProgramsPart());

  const found = await Promise.all(
    neededPrograms.map(async (name) => ((await findProgram(name, searchFolders)) ? [name] : [])),
  );
  const machine = {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    programs: new Set(found.flat()),
  };
  const areBuilt = await Promise.all(parts.map(({ path }) => exists(path)));
  const missing = listMissing(machine, areBuilt.every(Boolean));
  if (missing.length > 0) throw new Error(missing.join('\n'));

  // One after another, as each keeps all cores busy; the packages are downloaded meanwhile.
  const packages = ensurePart(parts.at(-1)!, report);
  const paths: string[] = [];
  try {
    for (const part of parts.slice(0, -1)) paths.push(await ensurePart(part, report));
  } finally {
    await packages.catch(() => {}); // thrown below, after what Go said
  }
  return {
    kubernetesFolder: dirname(paths[0]!),
    kwok: paths[1]!,
    logind: paths[2]!,
    pause: paths[3]!,
    nodeRoot: await packages,
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
