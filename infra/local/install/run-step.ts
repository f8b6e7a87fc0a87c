import { spawn } from 'node:child_process';

/** One command of an installation. */
export type Step = {
  /** What it does, for the error: `install yt-dlp 2026.8.19`. */
  doing: string;
  command: string;
  args: readonly string[];
  env?: Record<string, string>;
  /** What a person can do when it fails. */
  hint: string;
};

/** Enough to see why pip or go failed. */
const tailLines = 12;
/** pip lists every version there ever was on one line. */
const lineLength = 200;

/** Runs a command without a shell and gives back what it wrote to stdout; throws with its last lines when it fails. */
export function runStep({ doing, command, args, env, hint }: Step): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let everything = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      everything += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (everything += text));
    child.once('error', (cause) =>
      reject(new Error(`${doing}: ${command}: ${cause.message} — ${hint}`, { cause })),
    );
    child.once('close', (code, signal) => {
      if (code === 0) return resolve(output);
      const lines = everything.trimEnd().split('\n').slice(-tailLines);
      const tail = lines.map((line) => line.slice(0, lineLength)).join('\n');
      reject(new Error(`${doing}: ${command} ended with ${signal ?? code} — ${hint}\n${tail}`));
    });
  });
}
