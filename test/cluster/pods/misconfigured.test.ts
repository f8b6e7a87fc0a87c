import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { failureOf, startRun } from '../../support/clip-run.ts';
import { assertNothingLeft } from '../../support/cluster-run.ts';
import { addCorner, startClusterStack } from '../../support/cluster-stack.ts';

const world = await startClusterStack();

export function define(): void {
  describe('a run that is misconfigured', { concurrency: true, timeout: 400_000 }, () => {
    it('names the field of the Job template that is misspelt', async (test) => {
      const corner = await addCorner(world, 'misspelt', async (env) => {
        const text = await readFile(env['SPOTLOOP_JOB_TEMPLATE'] ?? '', 'utf8');
        const file = join(world.stack.logFolder, 'misspelt.yaml');
        await writeFile(file, text.replace('completionMode:', 'parallelsim: 3\n  $&'));
        return { SPOTLOOP_JOB_TEMPLATE: file };
      });
      test.after(() => corner.stop());
      const run = await startRun(world, 'misspelt', { count: 2 }, { corner });
      const { type, message } = await failureOf(run);
      assert.equal(type, 'PreflightFailed');
      assert.match(message, /^create Job .*parallelsim/);
      await assertNothingLeft(world, run, corner.namespace);
    });

    it('fails with the words of a downloader that is misconfigured', async () => {
      const task = { kind: 'command', name: 'no-such-command' } as const;
      const run = await startRun(world, 'misconfigured', { count: 2 }, { task });
      const { type, message } = await failureOf(run);
      assert.equal(type, 'FleetFailed');
      assert.match(
        message,
        /^Job .* failed: run pod .*: exit code 64, "command "no-such-command": not in .* known are/,
      );
      await assertNothingLeft(world, run);
    });
  });
}
