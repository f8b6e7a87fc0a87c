import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { shortText } from '../../domain/short-text.ts';
import { MisconfiguredError } from './environment.ts';

/** Problems that the message names; who mends so many looks at the rest, too. */
const mostProblemsNamed = 5;

const commandSchema = z.strictObject({
  argv: z
    .tuple([z.string().min(1)], z.string())
    .refine(([program]) => !/\{key\}|\{output\}/.test(program), {
      error:
        'names its program by {key} or {output} — the program is fixed, only its arguments vary',
    }),
  /** True when the program makes a file at `{output}`. */
  output: z.boolean().default(false),
});

/** A program that the image offers to runs (I10). Its arguments may hold `{key}` and `{output}`. */
export type Command = z.output<typeof commandSchema>;

const fileSchema = z.record(z.string(), commandSchema);

export type Commands = Readonly<Record<string, Command>>;

/**
 * The commands that a configuration offers, by name; none where there is no file.
 * @throws MisconfiguredError when the file is unreadable or wrong.
 */
export async function readCommands(path: string | undefined): Promise<Commands> {
  if (path === undefined) return {};
  try {
    return fileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new MisconfiguredError(`commands file ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * The command of that name. A key that starts with `-` is refused where an argument starts with `{key}` and no `--`
 * stands before it; every program gets the key in SPOTLOOP_KEY as well.
 * @throws MisconfiguredError when the file is unreadable or wrong, or doesn't have the name.
 */
export async function readCommand(path: string | undefined, name: string): Promise<Command> {
  if (path === undefined) {
    throw new MisconfiguredError(
      `command "${name}": this downloader has no commands — set SPOTLOOP_COMMANDS_FILE to a file like {"${name}": {"argv": ["program", "--", "{key}"]}}`,
    );
  }
  const commands = await readCommands(path);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    throw new MisconfiguredError(
      `command "${name}": not in ${path} — known are ${Object.keys(commands).join(', ')}`,
    );
  }
  return command;
}

function reasonOf(cause: unknown): string {
  if (cause instanceof z.ZodError) {
    return cause.issues
      .slice(0, mostProblemsNamed)
      .map(({ path, message }) => shortText(`${path.join('.')}: ${message}`))
      .join('; ');
  }
  // What JSON.parse says repeats some of the text, line ends and all.
  return shortText(cause instanceof Error ? cause.message : String(cause));
}
