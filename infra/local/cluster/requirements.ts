/** What the machine has, as far as a cluster asks. */
export type Machine = {
  /** `process.platform`. */
  platform: string;
  isRoot: boolean;
  /** The names, of those asked for, that are on PATH. */
  programs: ReadonlySet<string>;
};

/** The programs that making and running a cluster takes, and the Debian package each is in. */
const packageOf: Readonly<Record<string, string>> = {
  'apt-get': 'apt',
  dpkg: 'dpkg',
  env: 'coreutils',
  ip: 'iproute2',
  mount: 'mount',
  nsenter: 'util-linux',
  openssl: 'openssl',
  tar: 'tar',
  unshare: 'util-linux',
};

/** What only building needs: a machine with a filled cache does without. */
const forBuilding: ReadonlySet<string> = new Set(['apt-get', 'dpkg', 'go']);

const elsewhere =
  'or name a cluster of this machine in KUBECONFIG and a downloader image there in SPOTLOOP_IMAGES';

/** The programs to look for on PATH. */
export const neededPrograms: readonly string[] = [...Object.keys(packageOf), 'go'];

/** One line for each thing that is missing, with how to get it; none when a cluster can be made. */
export function listMissing(machine: Machine, isBuilt: boolean): string[] {
  if (machine.platform !== 'linux') {
    return [
      `make a cluster: this is ${machine.platform}, and nodes need the cgroups of Linux — use a Linux machine, ${elsewhere}`,
    ];
  }
  const lines: string[] = [];
  if (!machine.isRoot) {
    lines.push(
      `make a cluster: not root, and nodes make namespaces, mounts and cgroups — use sudo, ${elsewhere}`,
    );
  }
  for (const name of neededPrograms) {
    if (machine.programs.has(name) || (isBuilt && forBuilding.has(name))) continue;
    if (name === 'go') {
      lines.push(
        'build Kubernetes: no `go` on PATH — install Go 1.24 or newer (https://go.dev/dl)',
      );
    } else if (name === 'apt-get' || name === 'dpkg') {
      lines.push(
        `get containerd and runc: no \`${name}\` on PATH — use Debian or Ubuntu, ${elsewhere}`,
      );
    } else {
      lines.push(`make a cluster: no \`${name}\` on PATH — install the package ${packageOf[name]}`);
    }
  }
  return lines;
}
