/** Random bits from a seed. */

/** sfc32 by Chris Doty-Humphrey (PractRand): small, fast, seeded. */
export class SeededBits {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any integer; its low 32 bits count */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = 0x9e3779b9 | 0;
    this.#c = 0x243f6a88 | 0;
    for (let i = 0; i < 15; i++) this.next();
  }

  /** The next 32 bits, as a signed integer. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum;
  }

  /** Evenly spread in -1 (inclusive) to 1 (exclusive). */
  signedUnit(): number {
    return this.next() / 0x8000_0000;
  }

  /** An integer from `from` to `to`, both inclusive and close to each other. */
  between(from: number, to: number): number {
    return from + (this.next() >>> 8) % (to - from + 1);
  }
}
