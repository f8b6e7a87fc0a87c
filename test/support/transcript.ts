/**
 * Commands and what they print, as a document shows them: blocks fenced as `console`, a command behind `$ `, continued where a
 * line ends in a backslash, then its output. In an output `…` stands for any text of a line, or for any lines where it is all that the
 * line says; `<name>` stands for a word without space that is the same wherever that name is used, in later commands, too. The width of space
 * does not count.
 */

/** A command of a document, and what it is said to print. */
export type Step = {
  /** Where it stands in the document. */
  readonly line: number;
  readonly command: string;
  readonly output: readonly string[];
};

const prompt = '$ ';

/** The commands of a document in their order. */
export function stepsOf(document: string): Step[] {
  const steps: { line: number; command: string; output: string[] }[] = [];
  let isInside = false;
  let isContinued = false;
  for (const [at, line] of document.split('\n').entries()) {
    if (line.startsWith('```')) {
      isInside = line === '```console';
      continue;
    }
    if (!isInside) continue;
    const last = steps.at(-1);
    if (isContinued && last !== undefined) last.command += `\n${line}`;
    else if (line.startsWith(prompt)) {
      steps.push({ line: at + 1, command: line.slice(prompt.length), output: [] });
    } else if (last === undefined) {
      throw new Error(`read transcript: line ${at + 1} is the output of no command`);
    } else {
      last.output.push(line);
      continue;
    }
    isContinued = line.endsWith('\\');
  }
  return steps;
}

/** What a name stood for so far. */
export type Names = ReadonlyMap<string, string>;

const placeholder = /<([a-z]+)>/g;

/** A command with what its names stand for. */
export function withNames(command: string, names: Names): string {
  return command.replaceAll(placeholder, (whole, name: string) => names.get(name) ?? whole);
}

/** Compares what was printed with what is shown. Null when the shape differs, else what names stand for now. */
export function matchOutput(
  shown: readonly string[],
  printed: string,
  names: Names,
): Map<string, string> | null {
  const seen = new Set<string>();
  const patternOf = (line: string): string => {
    if (line.trim() === '…') return '(?:.*\\n)*?';
    const parts = squeeze(line).split(/(…|<[a-z]+>)/);
    const pattern = parts.map((part) => {
      if (part === '…') return '.*';
      const [, name] = /^<([a-z]+)>$/.exec(part) ?? [];
      if (name === undefined) return escape(part);
      const known = names.get(name);
      if (known !== undefined) return escape(known);
      if (seen.has(name)) return `\\k<${name}>`;
      seen.add(name);
      return `(?<${name}>[^\\s"/]+)`;
    });
    return `${pattern.join('')}\\n`;
  };
  const lines = printed.split('\n').map(squeeze);
  while (lines.at(-1) === '') lines.pop();
  const text = lines.map((line) => `${line}\n`).join('');
  const found = new RegExp(`^${shown.map(patternOf).join('')}$`).exec(text);
  return found === null ? null : new Map([...names, ...Object.entries(found.groups ?? {})]);
}

function squeeze(line: string): string {
  return line.trim().replaceAll(/\s+/g, ' ');
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
