/**
 * Requests under way, a bounded number of them, that end in any order. Knows up to where all are confirmed: an item
 * counts only when every one before it is confirmed too.
 */
export class RequestWindow {
  readonly #maxInFlight: number;
  #confirmed: number;
  /** In the order of their items; confirmed ones leave from the front. */
  readonly #requests: { readonly items: number; isConfirmed: boolean }[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;

  constructor(options: { readonly confirmed: number; readonly maxInFlight: number }) {
    this.#confirmed = options.confirmed;
    this.#maxInFlight = options.maxInFlight;
  }

  /** Items before which all are confirmed. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** Resolves when another request may start. Throws what a request threw. */
  async hasRoom(): Promise<void> {
    while (this.#underWay.size >= this.#maxInFlight) await Promise.race(this.#underWay);
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Starts a request for the next `items`. */
  add(items: number, send: () => Promise<void>): void {
    const request = { items, isConfirmed: false };
    this.#requests.push(request);
    const underWay = send()
      .then(
        () => {
          request.isConfirmed = true;
          this.#advance();
        },
        (error: unknown) => {
          this.#failure ??= { error };
        },
      )
      .finally(() => this.#underWay.delete(underWay));
    this.#underWay.add(underWay);
  }

  /** Resolves when no request is under way; never throws. */
  async isQuiet(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Resolves when all is confirmed. Throws what a request threw. */
  async isEmpty(): Promise<void> {
    await this.isQuiet();
    if (this.#failure !== null) throw this.#failure.error;
  }

  #advance(): void {
    for (let [first] = this.#requests; first?.isConfirmed === true; [first] = this.#requests) {
      this.#confirmed += first.items;
      this.#requests.shift();
    }
  }
}
