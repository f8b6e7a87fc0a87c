/**
 * `node infra/local/setup.mjs SCRIPT.ts [ARGUMENT …]`: what every npm script of this repository starts with. Installs the npm
 * packages when they are missing or other ones than package-lock.json asks for, then runs the script with the Node
 * that is among them, which runs TypeScript as it is. Signals and the exit code pass through.
 *
 * Plain JavaScript without packages, as it runs before there are any, on whatever Node the machine has.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What npm itself needs to install the packages; the script then runs on a newer one. */
const oldestNode = 20;
/** The reason comes first; npm's whole manual page of options comes after it. */
const mostNpmLines = 12;
/** A shell's way to say "ended by signal n". */
const signalExitBase = 128;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const programs = join(root, 'node_modules', '.bin');

const problem = checkNode() ?? installPackages();
if (problem === undefined) runScript(process.argv.slice(2));
else {
  process.stderr.write(`setup: ${problem}\n`);
  process.exitCode = 1;
}

/** @returns {string | undefined} what is wrong */
function checkNode() {
  if (Number(process.versions.node.split('.')[0]) >= oldestNode) return undefined;
  return `check Node: this is ${process.versions.node}, older than ${oldestNode} — install a newer one (https://nodejs.org)`;
}

/** @returns {string | undefined} what is wrong */
function installPackages() {
  if (areInstalled()) return undefined;
  process.stderr.write('npm packages: installing them with npm ci (about 30 s)\n');
  const startedAt = performance.now();
  // `npm run` tells where npm is; else it is on PATH.
  const npmScript = process.env['npm_execpath'];
  const [command, ...before] = npmScript === undefined ? ['npm'] : [process.execPath, npmScript];
  const npm = spawnSync(command, [...before, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  if (npm.error !== undefined) {
    return `install the npm packages: ${npm.error.message} — install npm, which comes with Node (https://nodejs.org)`;
  }
  if (npm.status !== 0) {
    process.stderr.write(`${npm.stderr.split('\n').slice(0, mostNpmLines).join('\n')}\n`);
    return `install the npm packages: npm ci ended with ${npm.signal ?? npm.status} — see above; check the network and \`npm config get registry\``;
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stderr.write(`npm packages: done in ${seconds} s\n`);
  return undefined;
}

/**
 * npm keeps a lock file of what it has installed, written last. Comparing it with ours tells, without a stamp of our own,
 * what npm was asked for by hand, too.
 *
 * @returns {boolean}
 */
function areInstalled() {
  const installedFile = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile) || !existsSync(join(programs, 'node'))) return false;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const isMissing = Object.entries(wanted).some(
    // Optional ones may be for another machine. '' is the repository itself.
    ([path, { version, optional }]) =>
      path !== '' && installed[path]?.version !== version && !(optional && !installed[path]),
  );
  return !isMissing && Object.keys(installed).every((path) => wanted[path] !== undefined);
}

/** @param {string[]} scriptAndArguments */
function runScript(scriptAndArguments) {
  const child = spawn(join(programs, 'node'), scriptAndArguments, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${programs}${delimiter}${process.env['PATH'] ?? ''}` },
  });
  // Ctrl-C reaches the child from the terminal, too: our scripts take the first signal and ignore its copies. We stay
  // until it has cleaned up.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    process.stderr.write(`setup: run ${scriptAndArguments[0]}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exit(code ?? signalExitBase + (signal === null ? 0 : constants.signals[signal]));
  });
}
