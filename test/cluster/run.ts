import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { install } from '../../infra/local/install/install.ts';
import { readSurroundings } from '../../infra/local/install/surroundings.ts';

/**
 * `npm run test:cluster [-- FILE …]`: the tests that need a Kubernetes cluster; all of them, or the files and folders given.
 * On a cluster of its own (Linux, root); or on the one in KUBECONFIG, with a downloader's image of it in SPOTLOOP_IMAGES,
 * where everything but broken nodes can be tested.
 */

/** No test takes this long; one that does hangs. ms. */
const testTimeoutMs = 480_000;

/** Each makes clusters, or takes a node, the API server or both cores. */
const oneByOne = ['--test', `--test-timeout=${testTimeoutMs}`, '--test-concurrency=1'];
const sideBySide = [fileURLToPath(new URL('side-by-side.ts', import.meta.url))];

const wanted = process.argv.slice(2);
const chosen = (folder: string): string[] =>
  globSync(`test/cluster/${folder}/*.test.ts`)
    .filter((file) => wanted.length === 0 || wanted.some((path) => file.startsWith(path)))
    .toSorted();
// What the others stand on; runs on any cluster; and runs on one whose nodes and API server can be broken.
const [base, pods, nodes] = [chosen('base'), chosen('pods'), chosen('nodes')];

const { kubeconfig, image } = readSurroundings();
const isGiven = kubeconfig !== undefined && image !== undefined;
await install();
if (base.length + pods.length + nodes.length === 0) {
  say(`no test file matches ${wanted.join(' ')}`);
  process.exitCode = 1;
} else if (isGiven) {
  const others = [...base, ...nodes];
  if (others.length > 0) {
    say(`the cluster in KUBECONFIG is not for tests to break: leaving out ${others.join(', ')}`);
  }
  if (!(await run('pods', pods, sideBySide))) process.exitCode = 1;
} else {
  const isFine =
    (await run('base', base, oneByOne)) &&
    (await run('pods', pods, sideBySide)) &&
    // In one process, and so on one cluster.
    (await run('nodes', nodes, [...oneByOne, '--test-isolation=none']));
  if (!isFine) process.exitCode = 1;
}

/** Runs test files by node with these arguments; true when all passed. */
async function run(
  name: string,
  files: readonly string[],
  how: readonly string[],
): Promise<boolean> {
  if (files.length === 0) return true;
  const startedMs = performance.now();
  const child = spawn(process.execPath, [...how, ...files], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
  say(`${name} ${code === 0 ? 'passed' : 'failed'} after ${seconds} s`);
  return code === 0;
}

function say(line: string): void {
  process.stdout.write(`test:cluster: ${line}\n`);
}
