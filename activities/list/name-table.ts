import { hash } from 'node:crypto';

/** What is known of a name. */
export const inBucket = 1;
export const inList = 2;
/** An earlier run found its key gone … */
export const knownGone = 4;
/** … and this one has said so. */
export const saidGone = 8;

/**
 * A set of names that costs 17 bytes a place instead of some 100 as a `Set<string>`: an open-addressing table of
 * 128-bit hashes. Two of a hundred million names share 128 bits of SHA-256 with a probability of 10^-23, so the hash
 * stands for the name. A Bloom filter would be smaller, but its "perhaps" would skip items that were never stored.
 */
export class NameTable {
  #slots: number;
  #words: Uint32Array;
  /** 0: the place is free. */
  #flags: Uint8Array;
  #used = 0;

  constructor(slots = leastSlots) {
    this.#slots = slots;
    this.#words = new Uint32Array(slots * wordsPerSlot);
    this.#flags = new Uint8Array(slots);
  }

  /** Sets flags on a name, and gives back those it had before. */
  mark(name: string, flags: number): number {
    const place = this.#placeOf(digest(name));
    const before = this.#flags[place] ?? 0;
    this.#flags[place] = before | flags;
    if (before === 0) {
      this.#words.set(digested, place * wordsPerSlot);
      this.#used += 1;
      if (this.#used > this.#slots * fullest) this.#grow();
    }
    return before;
  }

  /** Flags of a name; 0 when it was never marked. */
  flagsOf(name: string): number {
    return this.#flags[this.#placeOf(digest(name))] ?? 0;
  }

  #placeOf(words: Uint32Array): number {
    const [a = 0, b, c, d] = words;
    const mask = this.#slots - 1;
    let place = a & mask;
    while (this.#flags[place] !== 0) {
      const at = place * wordsPerSlot;
      const table = this.#words;
      if (table[at] === a && table[at + 1] === b && table[at + 2] === c && table[at + 3] === d) {
        return place;
      }
      place = (place + 1) & mask;
    }
    return place;
  }

  #grow(): void {
    const larger = new NameTable(this.#slots * 2);
    for (let place = 0; place < this.#slots; place += 1) {
      const flags = this.#flags[place] ?? 0;
      if (flags === 0) continue;
      const words = this.#words.subarray(place * wordsPerSlot, (place + 1) * wordsPerSlot);
      const target = larger.#placeOf(words);
      larger.#words.set(words, target * wordsPerSlot);
      larger.#flags[target] = flags;
    }
    this.#slots = larger.#slots;
    this.#words = larger.#words;
    this.#flags = larger.#flags;
  }
}

const wordsPerSlot = 4;
/** Places are a power of two, so that a mask finds one; small, for most lists are. */
const leastSlots = 1_024;
/** Linear probing stays at about two looks up to here. */
const fullest = 0.7;

const digested = new Uint32Array(wordsPerSlot);

/**
 * The first 128 bits, in the same array each time, for a million of them would be a million objects. As a text of
 * bytes and not as a buffer, which takes four times as long to make and to collect.
 */
function digest(name: string): Uint32Array {
  const bytes = hash('sha256', name, 'binary');
  for (let word = 0; word < wordsPerSlot; word += 1) {
    const at = word * 4;
    digested[word] =
      bytes.charCodeAt(at) |
      (bytes.charCodeAt(at + 1) << 8) |
      (bytes.charCodeAt(at + 2) << 16) |
      (bytes.charCodeAt(at + 3) << 24);
  }
  return digested;
}
