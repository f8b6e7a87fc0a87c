import { Command } from 'commander';
import { scheduleCreateCommand } from './schedule-create.ts';
import { scheduleListCommand } from './schedule-list.ts';

/** `spotloop schedule`: the rest of a schedule's life is `temporal schedule`'s. */
export function scheduleCommand(): Command {
  return new Command('schedule')
    .description(
      "Temporal's schedules of runs. Pause, trigger, backfill, delete: temporal schedule.",
    )
    .addCommand(scheduleCreateCommand())
    .addCommand(scheduleListCommand());
}
