import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createWorld, lastWords, startProcess } from './world.ts';
import type { World } from './world.ts';

/** A downloader that can't work says so in one line and exits 64, which nothing retries. */
let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.stop());

const anyCommand = { kind: 'command', name: 'noop', extension: '' } as const;

async function commandsFile(content: unknown): Promise<string> {
  const file = join(world.stack.folder, `commands-${Math.random()}.json`);
  await writeFile(file, JSON.stringify(content));
  return file;
}

async function refusalOf(
  downloader: ReturnType<typeof startProcess>,
  pattern: RegExp,
): Promise<void> {
  const { code } = await downloader.ended;
  assert.equal(code, 64, downloader.stderr());
  const { severity, exitCode, message } = lastWords(downloader);
  assert.deepEqual([severity, exitCode], ['ERROR', 64]);
  assert.match(String(message), pattern);
}

describe('a misconfigured downloader exits 64 with one line', { concurrency: 2 }, () => {
  it('that names every variable that is wrong', async () => {
    const downloader = startProcess({
      PATH: process.env['PATH'],
      SPOTLOOP_GRACE_SECONDS: 'soon',
      SPOTLOOP_ASSIGNMENT: '{"run":"r"}',
    });
    await refusalOf(
      downloader,
      /SPOTLOOP_ASSIGNMENT: is not an assignment \(.*itemsTopic.*\); GOOGLE_CLOUD_PROJECT: is not set; SPOTLOOP_STAGING_FOLDER: is not set; SPOTLOOP_GRACE_SECONDS: /,
    );
  });

  it('that asks for the grace time, which is never assumed', async () => {
    const run = await world.run(anyCommand);
    const { SPOTLOOP_GRACE_SECONDS: _, ...rest } = { ...run.variables() };
    await refusalOf(
      startProcess(rest),
      /^environment: SPOTLOOP_GRACE_SECONDS: is not set — give the seconds between SIGTERM and SIGKILL/,
    );
  });

  it('when there are no commands', async () => {
    const run = await world.run(anyCommand);
    await refusalOf(run.start(), /command "noop": this downloader has no commands/);
  });

  it('when the command is not in the file', async () => {
    const run = await world.run(anyCommand);
    const file = await commandsFile({ other: { argv: ['true'] } });
    await refusalOf(
      run.start({ SPOTLOOP_COMMANDS_FILE: file }),
      /command "noop": not in .* — known are other/,
    );
  });

  it('when a command would let the key name the program', async () => {
    const run = await world.run(anyCommand);
    const file = await commandsFile({ noop: { argv: ['{key}'] } });
    await refusalOf(
      run.start({ SPOTLOOP_COMMANDS_FILE: file }),
      /commands file .*noop\.argv.*the program is fixed/,
    );
  });

  it('when the program is not there', async () => {
    const run = await world.run(anyCommand);
    const file = await commandsFile({ noop: { argv: ['no-such-program-of-ours'] } });
    await refusalOf(
      run.start({ SPOTLOOP_COMMANDS_FILE: file }),
      /find program no-such-program-of-ours: not there/,
    );
  });

  it('when yt-dlp is not there', async () => {
    const run = await world.run({
      kind: 'yt-dlp',
      url: 'https://localhost/{key}',
      format: 'best',
      extension: 'mp4',
      options: [],
    });
    await refusalOf(run.start({ SPOTLOOP_YTDLP: '/nowhere/yt-dlp' }), /SPOTLOOP_YTDLP/);
  });

  it('when there is no such bucket', async () => {
    const run = await world.run(anyCommand, { bucket: 'no-such-bucket' });
    const file = await commandsFile({ noop: { argv: ['true'] } });
    await refusalOf(
      run.start({ SPOTLOOP_COMMANDS_FILE: file }),
      /store in bucket no-such-bucket: no such bucket/,
    );
  });

  it('when its staging folder cannot be made', async () => {
    const run = await world.run(anyCommand);
    const file = await commandsFile({ noop: { argv: ['true'] } });
    await refusalOf(
      run.start({ SPOTLOOP_COMMANDS_FILE: file, SPOTLOOP_STAGING_FOLDER: `${file}/inside` }),
      /staging folder .*ENOTDIR.* — set SPOTLOOP_STAGING_FOLDER/,
    );
  });
});
