/** Ends the waiting, from the keyboard or from whoever started us. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Resolves at the first signal to end. Copies of it are swallowed: on Ctrl-C the terminal sends one to everybody, and npm and
 * `setup.mjs` pass theirs on.
 */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) process.on(signal, () => resolve());
  });
}
