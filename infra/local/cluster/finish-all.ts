/** Waits for all, also when one fails, so that nothing is under way any more when all is undone; then throws the first error. */
export async function finishAll(all: readonly Promise<unknown>[]): Promise<void> {
  for (const one of await Promise.allSettled(all)) if (one.status === 'rejected') throw one.reason;
}
