/** The `spotloop` command. */
import { Command } from 'commander';
import { auditCommand } from './audit.ts';
import { retryCommand } from './retry.ts';
import { watchCommand } from './watch.ts';

const program = new Command('spotloop')
  .description(
    'A durable, distributed for loop: looks at its runs, and starts what is left of them.',
  )
  .addCommand(auditCommand())
  .addCommand(retryCommand())
  .addCommand(watchCommand());

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
