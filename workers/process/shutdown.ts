/** What asked this process to end. `stdin` is the end of a pipe whose other end was the parent process. */
export type ShutdownCause = 'SIGTERM' | 'SIGINT' | 'stdin';

/** Exit codes after a shutdown, as a shell reports them: 128 + signal number. Losing the parent counts as SIGTERM. */
export const shutdownExitCodes: Readonly<Record<ShutdownCause, number>> = {
  SIGTERM: 143,
  SIGINT: 130,
  stdin: 143,
};

/**
 * Calls `onShutdown` once, at the first SIGTERM or SIGINT, or, with `withStdin`, when standard input ends: a child of
 * a killed parent gets no signal, but its pipe ends. Later signals are ignored: the process is on its way out, within its
 * grace time. Only a `main.ts` calls this.
 */
export function listenForShutdown(
  onShutdown: (cause: ShutdownCause) => void,
  options: { withStdin: boolean },
): void {
  let isOver = false;
  const once = (cause: ShutdownCause): void => {
    if (isOver) return;
    isOver = true;
    onShutdown(cause);
  };
  process.on('SIGTERM', () => once('SIGTERM'));
  process.on('SIGINT', () => once('SIGINT'));
  if (!options.withStdin) return;
  process.stdin.on('end', () => once('stdin'));
  process.stdin.on('close', () => once('stdin'));
  process.stdin.on('error', () => once('stdin'));
  // Without a reader the end is never seen. What the parent writes means nothing.
  process.stdin.resume();
}
