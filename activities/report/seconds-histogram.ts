/** Bins a decade: a quantile read from them is wrong by 1.2 % at most. */
const binsPerDecade = 100;
/** From a millisecond to eleven days; what lies outside falls into the first and the last bin. */
const decades = { from: -3, to: 6 };
const binCount = (decades.to - decades.from) * binsPerDecade;

/** Seconds of many items in a fixed number of bins of equal ratio: streamed, whatever their number. */
export class SecondsHistogram {
  readonly bins = new Uint32Array(binCount);
  count = 0;
  max = 0;
  #sum = 0;

  add(seconds: number): void {
    const bin = Math.floor((Math.log10(Math.max(seconds, 1e-9)) - decades.from) * binsPerDecade);
    const index = Math.min(binCount - 1, Math.max(0, bin));
    this.bins[index] = (this.bins[index] ?? 0) + 1;
    this.count += 1;
    this.#sum += seconds;
    this.max = Math.max(this.max, seconds);
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.#sum / this.count;
  }

  /** The seconds below which `share` of the items are; 0 when there are none. */
  quantile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.count));
    let seen = 0;
    for (const [bin, count] of this.bins.entries()) {
      seen += count;
      if (seen >= wanted) return Math.min(this.max, middleOf(bin));
    }
    return 0;
  }
}

/** The geometric middle of a bin, in seconds. */
export function middleOf(bin: number): number {
  return 10 ** ((bin + 0.5) / binsPerDecade + decades.from);
}
