import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { objectName } from '../../../domain/object-name.ts';
import type { Command } from '../../../workers/process/commands-file.ts';
import { createWorld, everythingIn } from './world.ts';
import type { Run, World } from './world.ts';

/** The task `command`: what a program is given, and what its ending means. */
let world: World;
before(async () => {
  world = await createWorld();
});
after(() => world.stop());

const hostileKeys = [
  '-rf',
  '--',
  ';rm -rf ~',
  '$(touch x)',
  '`id`',
  '../../x',
  '🎬',
  'a b',
  "'",
  '*',
];

async function runOf(
  command: Command,
): Promise<{ run: Run; start: () => ReturnType<Run['start']> }> {
  const run = await world.run({ kind: 'command', name: 'it', extension: 'txt' }, { attempts: 1 });
  const file = join(run.staging, '..', `${run.assignment.run}.json`);
  await writeFile(file, JSON.stringify({ it: command }));
  return { run, start: () => run.start({ SPOTLOOP_COMMANDS_FILE: file }) };
}

async function contentOf(run: Run, key: string): Promise<string> {
  const [content] = await world.clients.storage
    .bucket(run.assignment.bucket)
    .file(objectName(run.assignment.prefix, key, 'txt'))
    .download();
  return content.toString();
}

/** `sh` runs this script of the image's; the key is only ever an argument of it. */
const writeArguments = 'out="$1"; shift; printf "%s|" "$SPOTLOOP_KEY" "$@" > "$out"';

describe('the task command', { concurrency: 2 }, () => {
  it('gives hostile keys as one argument each, never to a shell', async () => {
    const { run, start } = await runOf({
      argv: ['sh', '-c', writeArguments, 'it', '{output}', '--', '{key}', 'x{key}y'],
      output: true,
    });
    await run.publish(hostileKeys.map((key) => ({ key })));
    const downloader = start();
    const outcomes = await run.outcomes(hostileKeys.length);
    assert.deepEqual(new Set(outcomes.map(({ kind }) => kind)), new Set(['stored']));
    for (const key of hostileKeys) {
      assert.equal(await contentOf(run, key), `${key}|--|${key}|x${key}y|`);
    }
    downloader.child.kill('SIGTERM');
    await downloader.ended;
    assert.deepEqual(await everythingIn(run.staging), []);
  });

  it('refuses a key that a program could take for an option', async () => {
    const { run, start } = await runOf({ argv: ['true', '{key}'], output: false });
    await run.publish([{ key: '-rf' }, { key: 'a-b' }]);
    start();
    const outcomes = (await run.outcomes(2)).toSorted((a, b) => a.index - b.index);
    assert.ok(outcomes[0]?.kind === 'failed' && outcomes[0].reason === 'permanent');
    assert.match(outcomes[0].error, /would be taken for an option — put "--" before \{key\}/);
    assert.equal(outcomes[1]?.kind, 'stored');
  });

  it("keeps the downloader's own settings from programs", async () => {
    const { run, start } = await runOf({
      argv: ['sh', '-c', 'env | grep -o "^SPOTLOOP_[A-Z]*" | sort > "$SPOTLOOP_OUTPUT"'],
      output: true,
    });
    await run.publish([{ key: 'a' }]);
    start();
    await run.outcomes(1);
    assert.equal(await contentOf(run, 'a'), 'SPOTLOOP_INDEX\nSPOTLOOP_KEY\nSPOTLOOP_OUTPUT\n');
  });

  for (const output of [true, false]) {
    const kind = output ? 'makes a file' : 'makes none';
    it(`gives a program that ${kind} a home and a place for temporary files that are gone after it`, async () => {
      const journal = join(world.stack.folder, `homes-${output}`);
      const script = `
        mkdir -p "$XDG_CACHE_HOME" && echo x > "$XDG_CACHE_HOME/cached" && echo x > ~/dotfile &&
        mktemp > '${journal}' && echo "$HOME $TMPDIR $XDG_CACHE_HOME" >> '${journal}' &&
        echo done > "\${SPOTLOOP_OUTPUT:-/dev/null}"`;
      const { run, start } = await runOf({ argv: ['sh', '-c', script], output });
      await run.publish([{ key: 'a' }]);
      const downloader = start();
      const [outcome] = await run.outcomes(1);
      assert.equal(outcome?.kind, 'stored', JSON.stringify(outcome));
      const places = (await readFile(journal, 'utf8')).split(/\s+/).filter((place) => place !== '');
      assert.equal(places.length, 4);
      for (const place of places) assert.ok(place.startsWith(`${run.staging}/downloader-`), place);
      downloader.child.kill('SIGTERM');
      await downloader.ended;
      assert.deepEqual(await everythingIn(run.staging), []);
    });
  }

  it('tells the end of standard error when the program fails, or makes no file', async () => {
    const { run, start } = await runOf({
      argv: ['sh', '-c', '[ "$1" = silent ] || { echo no luck >&2; exit 66; }', 'it', '{key}'],
      output: true,
    });
    await run.publish([{ key: 'loud' }, { key: 'silent' }]);
    start();
    const outcomes = (await run.outcomes(2)).toSorted((a, b) => a.index - b.index);
    assert.deepEqual(
      outcomes.map((one) => (one.kind === 'failed' ? [one.reason, one.error] : one)),
      [
        ['permanent', 'exit code 66: no luck'],
        ['permanent', 'the program ended well but made no file at {output}'],
      ],
    );
  });
});
