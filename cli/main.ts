/** The `spotloop` command. */
import { Command } from 'commander';
import { auditCommand } from './audit.ts';
import { Interrupted, interruptedExit } from './interruption.ts';
import { retryCommand } from './retry.ts';
import { runCommand } from './run.ts';
import { watchCommand } from './watch.ts';

const program = new Command('spotloop')
  .description(
    'A durable, distributed for loop: starts runs, follows them, looks at what they did.',
  )
  .addCommand(runCommand())
  .addCommand(watchCommand())
  .addCommand(auditCommand())
  .addCommand(retryCommand());

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  if (error instanceof Interrupted) process.exit(interruptedExit);
}
