import { deepEqual, doesNotMatch, match, ok, rejects } from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { readCommand, readCommands } from '../../../workers/process/commands-file.ts';
import { MisconfiguredError } from '../../../workers/process/environment.ts';
import { spoiled } from '../../support/foreign.ts';
import { fuzz } from '../../support/fuzz.ts';

let folder: string;
let file: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotloop-commands-'));
  file = join(folder, 'commands.json');
});
after(() => rm(folder, { recursive: true }));

const command = { argv: ['resize', '--', '{key}', '{output}'], output: true };

describe('a commands file', () => {
  it('is refused in one line that names it, or offers programs that no key can change', async () => {
    const one = spoiled(fc.constant(command));
    const text = fc.oneof(
      spoiled(fc.constant({ resize: command })),
      one.map((inner) => `{"resize":${inner}}`),
      one.map((inner) => `{\n"__proto__":${inner}\n}`),
    );
    await fuzz(
      fc.asyncProperty(text, async (content) => {
        await writeFile(file, content);
        const commands = await readCommands(file).catch((error: unknown) => error);
        if (commands instanceof Error) {
          ok(commands instanceof MisconfiguredError, String(commands));
          ok(commands.message.startsWith(`commands file ${file}: `));
          doesNotMatch(commands.message, /\n/);
          ok(commands.message.length < 2_000);
          return;
        }
        for (const { argv } of Object.values(
          commands as Awaited<ReturnType<typeof readCommands>>,
        )) {
          doesNotMatch(argv[0], /\{key\}|\{output\}/);
        }
      }),
    );
  });

  it('is refused when an item would choose the program', async () => {
    for (const program of ['{key}', '{output}', '/opt/{key}', 'sh{key}']) {
      await writeFile(file, JSON.stringify({ it: { argv: [program, '-v'] } }));
      await rejects(readCommands(file), /the program is fixed/);
    }
  });

  it('has no command that it does not list, by whatever name', async () => {
    await writeFile(file, JSON.stringify({ resize: command }));
    deepEqual(await readCommand(file, 'resize'), command);
    for (const name of ['__proto__', 'constructor', 'toString', 'Resize', '']) {
      await rejects(readCommand(file, name), (error: Error) => {
        match(error.message, /: not in .* — known are resize$/);
        return error instanceof MisconfiguredError;
      });
    }
  });
});
