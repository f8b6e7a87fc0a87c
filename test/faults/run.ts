import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { install } from '../../infra/local/install/install.ts';
import { runCampaign } from './random/campaign.ts';
import type { Tally } from './random/campaign.ts';

/** `npm run test:faults`: each fault alone; or all of them at random. */

/** What fast-check takes for a seed, and a person can type. */
const seedBound = 2 ** 31 - 1;
const defaultMinutes = 10;
const longestMinutes = 24 * 60;

/** Set where we run in a mount namespace of our own. */
const ownMounts = 'SPOTLOOP_TEST_OWN_MOUNTS';

type Options = {
  readonly all?: boolean;
  readonly seed?: number;
  readonly minutes: number;
  readonly json?: boolean;
};

const program = new Command('npm run test:faults --')
  .description('Real runs while processes die and services fail: each must end exact.')
  .argument('[files...]', 'of test/faults; all by default')
  .option('--all', 'all faults at random, at once, in place of each alone')
  .option('--seed <number>', 'decides them; a random one by default', parseWhole(0, seedBound))
  .option(
    '--minutes <number>',
    'how long they go on',
    parseWhole(1, longestMinutes),
    defaultMinutes,
  )
  .option('--json', 'print what it came to as JSON')
  .addHelpText(
    'after',
    `
Example:
  npm run test:faults -- --all --seed 42 --minutes 30`,
  )
  .action(async (files: string[], options: Options) => {
    if (options.all !== true) eachAlone(files);
    else if (process.env[ownMounts] === undefined) restartWithOwnMounts();
    else await disturb(options);
  });

function parseWhole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  };
}

function eachAlone(files: readonly string[]): void {
  const runner = fileURLToPath(new URL('../run.ts', import.meta.url));
  const chosen = files.length === 0 ? ['test/faults'] : files;
  const { status } = spawnSync(process.execPath, [runner, ...chosen], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
}

/** Among the faults is a full disk: a small one is mounted, which nobody else sees and which takes no root. */
function restartWithOwnMounts(): void {
  const unshare = ['--user', '--map-root-user', '--mount', process.execPath];
  const { status, error } = spawnSync('unshare', [...unshare, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [ownMounts]: '1' },
  });
  if (error !== undefined) throw error;
  process.exitCode = status ?? 1;
}

async function disturb({ seed = randomInt(seedBound), minutes, json }: Options): Promise<void> {
  await install();
  const startMs = performance.now();
  const report = (line: string): void => {
    const seconds = Math.floor((performance.now() - startMs) / 1_000);
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    process.stderr.write(`${clock.padStart(6)}  ${line}\n`);
  };
  report(`seed ${seed}, ${minutes} min`);
  const tally = await runCampaign({ seed, minutes, report });
  process.stdout.write(json === true ? `${JSON.stringify(tally)}\n` : describeTally(tally));
  if (tally.wrong.length > 0) process.exitCode = 1;
}

function describeTally(tally: Tally): string {
  const { seed, minutes, faults, lists, items, downloads, wrong } = tally;
  const count = Object.values(faults).reduce((sum, hits) => sum + hits, 0);
  const kinds = Object.entries(faults).toSorted(([, a], [, b]) => b - a);
  const wasted = downloads === 0 ? 0 : (100 * (downloads - items)) / downloads;
  return [
    `faults   ${count}: ${kinds.map(([kind, hits]) => `${hits} ${kind}`).join(', ')}`,
    `items    ${items} of ${lists} lists, each stored once`,
    `wasted   ${wasted.toFixed(1)} % of ${downloads} downloads begun`,
    ...wrong.map((line) => `wrong    ${line}`),
    `again    npm run test:faults -- --all --seed ${seed} --minutes ${minutes}`,
    '',
  ].join('\n');
}

await program.parseAsync();
