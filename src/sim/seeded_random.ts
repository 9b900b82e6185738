/**
 * A small, fast, repeatable generator for simulations: xoshiro128** 1.1 (Blackman and Vigna, 2018,
 * "Scrambled linear pseudorandom number generators"), its state filled from the seed by
 * splitmix32 (the 32-bit finaliser of MurmurHash3 over a Weyl sequence). Not for secrets.
 */
import type { Random } from "../ports/mod.ts";

/** The state of xoshiro128**: four 32-bit words, not all zero. */
export type XoshiroState = [number, number, number, number];

/** A seeded `Random`; the same seed gives the same sequence, everywhere. */
export class SeededRandom implements Random {
  /** The seed, for a failing test to print. */
  readonly seed: number;
  readonly #state: XoshiroState;

  /** @param seed any 32-bit unsigned integer */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
      throw new RangeError(
        `Cannot seed a generator as the seed must be a 32-bit unsigned integer: current value is ${seed}`,
      );
    }
    this.seed = seed;
    this.#state = stateFromSeed(seed);
  }

  /** The next 32 random bits. */
  uint32(): number {
    return nextXoshiro(this.#state);
  }

  /** A whole number in [0, bound), unbiased; `bound` in 1..2^32. */
  below(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new RangeError(
        `Cannot draw a number as 'bound' must be in 1..2^32: current value is ${bound}`,
      );
    }
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let drawn = this.uint32();
    while (drawn >= limit) drawn = this.uint32();
    return drawn % bound;
  }

  /** True with the given probability (0..1). */
  chance(probability: number): boolean {
    return this.uint32() < probability * 2 ** 32;
  }

  /** One of `items`, of which there is at least one. */
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] as T;
  }

  /** See `Random`. */
  fill(bytes: Uint8Array): Uint8Array {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.uint32() >>> 24;
    return bytes;
  }
}

/** Advances `state` and returns the next output (unsigned). */
export function nextXoshiro(state: XoshiroState): number {
  const result = Math.imul(rotateLeft(Math.imul(state[1], 5), 7), 9) >>> 0;
  const shifted = state[1] << 9;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= shifted;
  state[3] = rotateLeft(state[3], 11);
  return result;
}

function stateFromSeed(seed: number): XoshiroState {
  let weyl = seed;
  function next(): number {
    weyl = (weyl + 0x9e3779b9) | 0;
    let z = weyl;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return z ^ (z >>> 16);
  }
  return [next(), next(), next(), next()];
}

function rotateLeft(word: number, count: number): number {
  return (word << count) | (word >>> (32 - count));
}
