/** What a shell reports for a program that Ctrl-C ended. */
export const interruptedExit = 130;

/** What was under way was given up. Its connections may be open still: the process ends all the same. */
export class Interrupted extends Error {}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Aborts at the first signal to end, from the keyboard or from whoever started us. Copies of it are swallowed: on Ctrl-C the terminal
 * sends one to everybody, and npm and `setup.mjs` pass theirs on.
 */
export function onInterruption(): AbortSignal {
  const interruption = new AbortController();
  for (const signal of signals) process.on(signal, () => interruption.abort());
  return interruption.signal;
}
