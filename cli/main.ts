/** The `spotloop` command. */
import { Command } from 'commander';
import { auditCommand } from './audit.ts';
import { doctorCommand } from './doctor.ts';
import { Interrupted, interruptedExit } from './interruption.ts';
import { localCommand } from './local.ts';
import { reportCommand } from './report.ts';
import { resultsCommand } from './results.ts';
import { retryCommand } from './retry.ts';
import { runCommand } from './run.ts';
import { scheduleCommand } from './schedule.ts';
import { searchAttributesCommand } from './search-attributes.ts';
import { statusCommand } from './status.ts';
import { cancelCommand, pauseCommand, resumeCommand, scaleCommand } from './steer.ts';
import { watchCommand } from './watch.ts';

const program = new Command('spotloop')
  .description(
    'A durable, distributed for loop: starts runs, follows them, looks at what they did.',
  )
  .addCommand(runCommand())
  .addCommand(watchCommand())
  .addCommand(statusCommand())
  .addCommand(pauseCommand())
  .addCommand(resumeCommand())
  .addCommand(scaleCommand())
  .addCommand(cancelCommand())
  .addCommand(reportCommand())
  .addCommand(resultsCommand())
  .addCommand(auditCommand())
  .addCommand(retryCommand())
  .addCommand(scheduleCommand())
  .addCommand(searchAttributesCommand())
  .addCommand(doctorCommand())
  .addCommand(localCommand());

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
  if (error instanceof Interrupted) process.exit(interruptedExit);
}
