/** Ends the waiting, from the keyboard or from whoever started us. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** What a shell reports for a program that Ctrl-C ended. */
export const interruptedExit = 130;

/**
 * Resolves at the first signal to end. Copies of it are swallowed: on Ctrl-C the terminal sends one to everybody, and npm and
 * `setup.mjs` pass theirs on. Until the stack is up there is nothing to take down in order: then the process exits at
 * once, and what was started ends with it.
 */
export function untilInterrupted(isUp: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      if (!isUp()) process.exit(interruptedExit);
      resolve();
    };
    for (const signal of signals) process.on(signal, end);
  });
}
