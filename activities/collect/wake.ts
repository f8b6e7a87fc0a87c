/** `setTimeout` takes 32 bits; longer waits end early, which a loop that looks again does not mind. */
const longestWaitMs = 2 ** 31 - 1;

/** A bell: `ring` ends the current {@link Wake.wait}, or the next one if nobody waits. */
export class Wake {
  #rang = false;
  #resolve: (() => void) | undefined;

  readonly ring = (): void => {
    this.#rang = true;
    this.#resolve?.();
  };

  /** Waits until the bell rings, `ms` at most. */
  async wait(ms: number): Promise<void> {
    if (!this.#rang) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
        timer = setTimeout(resolve, Math.min(Math.max(0, ms), longestWaitMs));
      });
      clearTimeout(timer);
    }
    this.#rang = false;
    this.#resolve = undefined;
  }
}
