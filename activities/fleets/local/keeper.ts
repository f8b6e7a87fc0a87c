import type { DownloaderEnd, DownloaderProcess } from './downloader-process.ts';

/** A downloader that lived shorter, and was not killed while it pulled: it dies of its surroundings, not of an item. */
export const immediateDeathMs = 5_000;

/**
 * After so many immediate deaths in a row nobody believes in the next one. With the pauses that is a minute and a
 * half: longer than what passes by itself, such as a server that restarts.
 */
export const maxImmediateDeaths = 10;

/** The pause before the first replacement; doubles with each immediate death, up to the longest. */
const firstPauseMs = 250;
export const longestPauseMs = 30_000;

type State =
  | { readonly kind: 'live' }
  | { readonly kind: 'waiting'; readonly reason: string; readonly timer: NodeJS.Timeout }
  | { readonly kind: 'paused' }
  | { readonly kind: 'idle' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'stopped' };

/** Keeps one downloader alive: replaces it when it dies, until it ends idle, cannot run, or is stopped. */
export class Keeper {
  readonly #startNext: (replacement: number) => DownloaderProcess;
  readonly #onDeath: (message: string) => void;
  #state: State = { kind: 'paused' };
  #current: DownloaderProcess | null = null;
  /** The current one, and those that still drain after a pause. */
  readonly #processes = new Set<DownloaderProcess>();
  #started = 0;
  #replaced = 0;
  #immediateDeaths = 0;

  /** @param startNext starts the downloader that is the so many-th of this keeper, from 0. */
  constructor(
    startNext: (replacement: number) => DownloaderProcess,
    onDeath: (message: string) => void,
  ) {
    this.#startNext = startNext;
    this.#onDeath = onDeath;
  }

  get state(): Readonly<State> {
    return this.#state;
  }

  /** Downloaders that died and were replaced. */
  get replaced(): number {
    return this.#replaced;
  }

  /** Starts the downloader; does nothing unless paused. */
  resume(): void {
    if (this.#state.kind === 'paused') this.#start();
  }

  /** Ends the downloader until {@link resume}. */
  pause(): void {
    if (this.#state.kind !== 'live' && this.#state.kind !== 'waiting') return;
    this.#leave({ kind: 'paused' });
  }

  /** Ends the downloader for good and resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#leave({ kind: 'stopped' });
    await Promise.all([...this.#processes].map((process) => process.end()));
  }

  #leave(state: State): void {
    if (this.#state.kind === 'waiting') clearTimeout(this.#state.timer);
    this.#state = state;
    this.#current = null;
    for (const process of this.#processes) void process.end();
  }

  #start(): void {
    const process = this.#startNext(this.#started);
    this.#started += 1;
    this.#state = { kind: 'live' };
    this.#current = process;
    this.#processes.add(process);
    void process.ended.then((end) => {
      this.#processes.delete(process);
      // Paused or stopped meanwhile, perhaps resumed with another one: how this one ended means nothing.
      if (this.#current === process) this.#react(end);
    });
  }

  #react(end: DownloaderEnd): void {
    switch (end.kind) {
      case 'idle':
        this.#state = { kind: 'idle' };
        return;
      case 'misconfigured':
        this.#state = { kind: 'failed', message: end.message };
        return;
      case 'died':
        this.#immediateDeaths =
          end.livedMs < immediateDeathMs && !end.hasPulled ? this.#immediateDeaths + 1 : 0;
        this.#onDeath(end.message);
        if (this.#immediateDeaths >= maxImmediateDeaths) {
          this.#state = {
            kind: 'failed',
            message: `${end.message} (${this.#immediateDeaths} in a row ended right after their start)`,
          };
          return;
        }
        this.#replaceLater(end.message);
    }
  }

  #replaceLater(reason: string): void {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#immediateDeaths);
    // Half of it by chance, so that downloaders that died together do not start together.
    const timer = setTimeout(
      () => {
        this.#replaced += 1;
        this.#start();
      },
      pauseMs * (0.5 + Math.random() / 2),
    );
    this.#state = { kind: 'waiting', reason, timer };
  }
}
