import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Assignment } from '../../../domain/assignment.ts';
import { eventually, everythingIn } from './world.ts';
import type { World } from './world.ts';

/** A run of a shell script per item, with the files of a pod. `started` tells which keys' scripts have begun. */
export async function createPod(world: World, script: string, overrides: Partial<Assignment> = {}) {
  const run = await world.run({ kind: 'command', name: 'it', extension: '' }, overrides);
  const folder = await mkdtemp(join(world.stack.folder, 'pod-'));
  const started = join(folder, 'started');
  await mkdir(started);
  const commandsFile = join(folder, 'commands.json');
  const argv = ['sh', '-c', `touch '${started}'/"$SPOTLOOP_KEY"; ${script}`];
  await writeFile(commandsFile, JSON.stringify({ it: { argv } }));
  const messageFile = join(folder, 'termination-log');
  await writeFile(
    messageFile,
    'what was there before, and is longer than what comes now'.repeat(9),
  );
  const health = join(folder, 'health');
  const variables = {
    SPOTLOOP_COMMANDS_FILE: commandsFile,
    SPOTLOOP_TERMINATION_MESSAGE_FILE: messageFile,
    SPOTLOOP_HEALTH_FOLDER: health,
  };
  return {
    run,
    health,
    messageFile,
    start: (more: Record<string, string> = {}) => run.start({ ...variables, ...more }),
    message: () => readFile(messageFile, 'utf8'),
    hasStarted: (key: string) => eventually(`${key} starts`, () => existsSync(join(started, key))),
    isReady: () => eventually('ready', () => existsSync(join(health, 'ready'))),
    async assertNothingIsLeft() {
      assert.deepEqual(await everythingIn(run.staging), []);
      assert.deepEqual(await everythingIn(health), []);
    },
  };
}
