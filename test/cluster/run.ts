import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { install } from '../../infra/local/install/install.ts';
import { readSurroundings } from '../../infra/local/install/surroundings.ts';

/**
 * `npm run test:cluster [-- FILE …]`: the tests that need a Kubernetes cluster; all of them, or the files and folders given.
 * On a cluster of its own (Linux, root); or on the one in KUBECONFIG, with a downloader's image of it in SPOTLOOP_IMAGES,
 * where everything but broken nodes can be tested.
 */

/** No test takes this long; one that does hangs. ms. */
const testTimeoutMs = 480_000;

type Group = {
  readonly folder: string;
  readonly flags: readonly string[];
  /** Whether it breaks nodes or makes clusters, and so needs one of its own. */
  readonly isOfOwn: boolean;
};

const groups: readonly Group[] = [
  // What the others stand on.
  { folder: 'test/cluster/base', flags: ['--test-concurrency=1'], isOfOwn: true },
  // In one process, so on one cluster; each run has pods of its own, and waits more than it works.
  {
    folder: 'test/cluster/pods',
    flags: ['--test-isolation=none', '--test-concurrency=8'],
    isOfOwn: false,
  },
  // One after the other: each takes a node, the API server, or both cores.
  {
    folder: 'test/cluster/nodes',
    flags: ['--test-isolation=none', '--test-concurrency=1'],
    isOfOwn: true,
  },
];

const wanted = process.argv.slice(2);
const { kubeconfig, image } = readSurroundings();
const isGiven = kubeconfig !== undefined && image !== undefined;

await install();
let files = 0;
for (const { folder, flags, isOfOwn } of groups) {
  const all = globSync(`${folder}/**/*.test.ts`).toSorted();
  const chosen = all.filter(
    (file) => wanted.length === 0 || wanted.some((path) => file.startsWith(path)),
  );
  files += chosen.length;
  if (chosen.length === 0) continue;
  if (isGiven && isOfOwn) {
    say(`leaving out ${folder}: the nodes of the cluster in KUBECONFIG are not for tests to break`);
    continue;
  }
  const startedMs = performance.now();
  const { status } = spawnSync(
    process.execPath,
    ['--test', `--test-timeout=${testTimeoutMs}`, ...flags, ...chosen],
    { stdio: 'inherit' },
  );
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  say(`${folder} ${status === 0 ? 'passed' : 'failed'} after ${seconds} s`);
  if (status !== 0) {
    process.exitCode = 1;
    break;
  }
}
if (files === 0) {
  say(`no test file matches ${wanted.join(' ')}`);
  process.exitCode = 1;
}

function say(line: string): void {
  process.stdout.write(`test:cluster: ${line}\n`);
}
