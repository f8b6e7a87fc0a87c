import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildImages } from '../../infra/local/cluster/images/build-images.ts';
import { installCluster } from '../../infra/local/cluster/install-cluster.ts';
import { install } from '../../infra/local/install/install.ts';
import { readSurroundings } from '../../infra/local/install/surroundings.ts';

/**
 * `npm run test:cluster [-- FILE …]`: the tests that need a Kubernetes cluster; all of them, or the files and folders given.
 *
 *   base/    what the others stand on: the cluster itself, and the images
 *   pods/    runs on whatever cluster there is
 *   nodes/   runs on a cluster that may be broken, and holds our other image
 *
 * On a cluster of its own (Linux, root); or on the one in KUBECONFIG, with a downloader's image of it in SPOTLOOP_IMAGES:
 * there only pods/ are run.
 */

/** No test of a cluster takes this long; one that does hangs. ms. */
const testTimeoutMs = 300_000;

/** One makes clusters, one an API server without nodes, one needs neither: they don't meet. */
const ofNode = ['--test', `--test-timeout=${testTimeoutMs}`, '--test-concurrency=2'];
const onOneStack = [fileURLToPath(new URL('one-stack.ts', import.meta.url))];

const wanted = process.argv.slice(2);
const chosen = (...folders: string[]): string[] =>
  folders
    .flatMap((folder) => globSync(`test/cluster/${folder}/*.test.ts`).toSorted())
    .filter((file) => wanted.length === 0 || wanted.some((path) => file.startsWith(path)));
const base = chosen('base');
const anywhere = chosen('pods');
const here = chosen('nodes');

const { kubeconfig, image } = readSurroundings();
const isGiven = kubeconfig !== undefined && image !== undefined;
await install();
if (base.length + anywhere.length + here.length === 0) {
  say(`no test file matches ${wanted.join(' ')}`);
  process.exitCode = 1;
} else if (isGiven) {
  const others = [...base, ...here];
  if (others.length > 0) {
    say(`the cluster in KUBECONFIG is not for tests to break: leaving out ${others.join(', ')}`);
  }
  if (!(await run('runs', anywhere, onOneStack))) process.exitCode = 1;
} else {
  // Eight minutes on a new machine: more than any test has time for.
  const report = (line: string): void => void process.stderr.write(`${line}\n`);
  await installCluster(report);
  await buildImages(report);
  const isFine =
    (await run('base', base, ofNode)) && (await run('runs', [...anywhere, ...here], onOneStack));
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
