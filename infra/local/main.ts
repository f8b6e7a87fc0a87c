/** `npm run local`: the local stack, until Ctrl-C. `spotloop local up` starts it, too, and hears of it by messages. */
import { Command, Option } from 'commander';
import { directions, variablesOf } from './directions.ts';
import { untilInterrupted } from './interruption.ts';
import { parsePort } from './parse-port.ts';
import type { StackMessage } from './stack-message.ts';
import { startStack } from './stack.ts';

type Flags = {
  temporalPort?: number;
  uiPort?: number;
  folder?: string;
  fleet: 'local' | 'kubernetes';
};

const { temporalPort, uiPort, folder, fleet } = new Command('npm run local --')
  .description('Starts the local stack and keeps it until Ctrl-C.')
  .option('--temporal-port <port>', 'port of the Temporal server (default: a free one)', parsePort)
  .option('--ui-port <port>', 'port of its Web UI (default: a free one)', parsePort)
  .option('--folder <path>', 'where database, bucket and logs are (default: .spotloop)')
  .addOption(
    new Option('--fleet <kind>', 'where downloaders run; kubernetes starts a cluster (needs root)')
      .choices(['local', 'kubernetes'])
      .default('local'),
  )
  .addHelpText(
    'after',
    '\nExamples:\n  npm run local -- --temporal-port 7233 --ui-port 8233\n  npm run local -- --fleet kubernetes',
  )
  .parse()
  .opts<Flags>();

let isUp = false;
const interrupted = untilInterrupted(() => isUp);
try {
  const startedAt = performance.now();
  const stack = await startStack({
    folder,
    fleet,
    ports: { temporal: temporalPort, ui: uiPort },
    report: say,
  });
  isUp = true;
  say(`local stack: up after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  const told = directions(stack, 'my-run');
  process.stdout.write(`${told}\nCtrl-C stops all of it.\n`);
  tell({ kind: 'up', directions: told, variables: variablesOf(stack) });
  await interrupted;
  say('local stack: stopping');
  await stack.stop();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${reason}\n`);
  tell({ kind: 'failed', reason });
  process.exitCode = 1;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
  tell({ kind: 'report', line });
}

/** Whoever started us, as long as it listens. */
function tell(message: StackMessage): void {
  if (process.connected) process.send?.(message);
}
