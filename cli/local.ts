import { Command } from 'commander';
import { localDownCommand } from './local-down.ts';
import { localUpCommand } from './local-up.ts';

/** `spotloop local`: the local stack in the background. */
export function localCommand(): Command {
  return new Command('local')
    .description('The local stack in the background; npm run local has it in a terminal.')
    .addCommand(localUpCommand())
    .addCommand(localDownCommand());
}
