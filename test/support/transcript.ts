/**
 * Commands and what they print, as a document shows them: blocks fenced as `console`, a command behind `$ `, then its output. Blocks fenced as `sh`
 * hold commands alone, one a line. A command goes on where a line ends in a backslash, or within quotes. In an output `…` stands for any text of a
 * line, or for any lines where it is all that the line says; `<name>` stands for a word without space that is the same wherever that
 * name is used, in later commands, too. The width of space does not count.
 */

/** A command of a document, and what it is said to print. */
export type Step = {
  /** Where it stands in the document. */
  readonly line: number;
  readonly command: string;
  readonly output: readonly string[];
};

/** A block of code: fenced, with the word behind its fence, or `null` where it is only indented. */
type Block = {
  readonly language: string | null;
  readonly lines: readonly { readonly number: number; readonly text: string }[];
};

const prompt = '$ ';
const indentation = '    ';

/** The blocks of code of a document in their order. */
export function blocksOf(document: string): Block[] {
  const blocks: { language: string | null; lines: { number: number; text: string }[] }[] = [];
  let inside: 'fence' | 'indentation' | null = null;
  let isAfterBlank = true;
  for (const [at, text] of document.split('\n').entries()) {
    const line = { number: at + 1, text };
    const [, language] = /^```(.*)$/.exec(text) ?? [];
    const isIndented = text.startsWith(indentation) && text.trim() !== '';
    if (language !== undefined) {
      inside = inside === 'fence' ? null : 'fence';
      if (inside === 'fence') blocks.push({ language, lines: [] });
    } else if (inside === 'fence') blocks.at(-1)?.lines.push(line);
    else if (isIndented && inside === 'indentation') blocks.at(-1)?.lines.push(line);
    else if (isIndented && isAfterBlank) {
      inside = 'indentation';
      blocks.push({ language: null, lines: [line] });
    } else inside = null;
    isAfterBlank = text.trim() === '';
  }
  return blocks;
}

/** The commands of a document that show what they print, in their order. */
export function stepsOf(document: string): Step[] {
  const steps: { line: number; command: string; output: string[] }[] = [];
  for (const { language, lines } of blocksOf(document)) {
    if (language !== 'console') continue;
    let step: (typeof steps)[number] | undefined;
    for (const { number, text } of lines) {
      if (step !== undefined && step.output.length === 0 && isUnfinished(step.command)) {
        step.command += `\n${text}`;
      } else if (text.startsWith(prompt)) {
        step = { line: number, command: text.slice(prompt.length), output: [] };
        steps.push(step);
      } else if (step === undefined) {
        throw new Error(`read transcript: line ${number} is the output of no command`);
      } else step.output.push(text);
    }
  }
  return steps;
}

/** The commands of a document that show nothing of what they print, without the comments behind them. */
export function bareCommandsOf(document: string): { line: number; command: string }[] {
  const commands: { line: number; command: string }[] = [];
  for (const { lines } of blocksOf(document).filter(({ language }) => language === 'sh')) {
    let isNew = true;
    for (const { number, text } of lines) {
      const bare = text.replace(/(^|\s+)# .*$/, '');
      const last = commands.at(-1);
      if (isNew && bare !== '') commands.push({ line: number, command: bare });
      else if (!isNew && last !== undefined) last.command += `\n${bare}`;
      isNew = !isUnfinished(commands.at(-1)?.command ?? '');
    }
  }
  return commands;
}

function isUnfinished(command: string): boolean {
  return command.endsWith('\\') || (command.match(/'/g)?.length ?? 0) % 2 === 1;
}

/** How the commands that documents tell people to type begin. */
const typed =
  /^\s*(\$ |[A-Z_]+=\S+ )?(temporal|npm|npx|node|spotloop|gcloud|gsutil|kubectl|curl|tcld|docker|git) [a-z-]/;
/** What is in a block of such a language is no command. */
const others = new Set(['', 'text', 'yaml', 'json', 'promql']);

/** What in a document may be a command and is neither in a block `console` nor in one `sh`: a line each, with the way out. */
export function strayCommandsOf(document: string): string[] {
  return blocksOf(document).flatMap(({ language, lines }) => {
    const [first] = lines;
    if (language === 'console' || language === 'sh' || first === undefined) return [];
    if (language === null) {
      return [`line ${first.number}: "${first.text.trim()}" is only indented — fence it`];
    }
    if (!others.has(language)) {
      return [`line ${first.number}: a block of "${language}" — make it console, or sh`];
    }
    return lines
      .filter(({ text }) => typed.test(text))
      .map(({ number, text }) => `line ${number}: "${text}" is a command in a block of others`);
  });
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
