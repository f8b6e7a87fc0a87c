import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './world.ts';
import type { Run } from './world.ts';

/** The task of runs whose program is {@link journaling}. */
export const waits = { kind: 'command', name: 'waits', extension: '' } as const;

/** A program that notes its start, takes as many seconds as `body` says, and notes its end. */
export async function journaling(run: Run, body: string) {
  const journal = join(run.staging, '..', `${run.assignment.run}.journal`);
  const commandsFile = join(run.staging, '..', `${run.assignment.run}.json`);
  await writeFile(journal, '');
  const script = `echo "start $SPOTLOOP_KEY" >> '${journal}'; ${body}; echo "end $SPOTLOOP_KEY" >> '${journal}'`;
  await writeFile(commandsFile, JSON.stringify({ waits: { argv: ['sh', '-c', script] } }));
  const lines = async (): Promise<string[]> =>
    (await readFile(journal, 'utf8')).split('\n').filter((line) => line !== '');
  return {
    journal,
    lines,
    variables: { SPOTLOOP_COMMANDS_FILE: commandsFile },
    hasStarted: (key: string) =>
      eventually(`${key} starts`, async () => (await lines()).includes(`start ${key}`)),
  };
}
