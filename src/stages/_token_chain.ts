/**
 * The tokens of a session at its requester, and the links of their whole blocks (section 7.2 of the
 * numeric class).
 */
import type { Blake3 } from "../hot/mod.ts";
import { linkBytes, linkPositions } from "./limits.ts";

/** A growing row of tokens. */
export class TokenChain {
  readonly #blake3: Blake3;
  readonly #seed: Uint8Array;
  #tokens = new Uint32Array(64);
  #length = 0;
  /** Tokens from here on may yet be taken back, and have no link. */
  #sure = 0;
  #links = new Uint8Array(8 * linkBytes);
  #linkCount = 0;

  /** @param seed what the first link follows, 32 B */
  constructor(seed: Uint8Array, blake3: Blake3) {
    this.#seed = seed;
    this.#blake3 = blake3;
  }

  get length(): number {
    return this.#length;
  }

  /** The tokens from `from` to before `to`; valid until the next change. */
  slice(from: number, to: number): Uint32Array {
    return this.#tokens.subarray(from, Math.min(to, this.#length));
  }

  /** Adds tokens, of which the first `sure` are certain to stay. */
  push(tokens: Uint32Array, sure = tokens.length): void {
    const length = this.#length + tokens.length;
    if (length > this.#tokens.length) {
      const larger = new Uint32Array(Math.max(2 * this.#tokens.length, length));
      larger.set(this.#tokens);
      this.#tokens = larger;
    }
    this.#tokens.set(tokens, this.#length);
    this.#sure = this.#length + sure;
    this.#length = length;
  }

  /** Forgets tokens from `count` on. */
  truncate(count: number): void {
    this.#length = count;
    // What was kept when others were taken back is certain.
    this.#sure = count;
    this.#linkCount = Math.min(this.#linkCount, Math.floor(count / linkPositions));
  }

  /** How many whole blocks are certain to stay. */
  get linkCount(): number {
    return Math.floor(this.#sure / linkPositions);
  }

  /** Links from `from` to before `to`, at most `linkCount`. */
  links(from: number, to: number): Uint8Array {
    while (this.#linkCount < to) this.#link();
    return this.#links.subarray(from * linkBytes, to * linkBytes);
  }

  #link(): void {
    const at = this.#linkCount * linkBytes;
    if (at + linkBytes > this.#links.length) {
      const larger = new Uint8Array(2 * this.#links.length);
      larger.set(this.#links);
      this.#links = larger;
    }
    const first = this.#linkCount * linkPositions;
    const block = this.#tokens.slice(first, first + linkPositions);
    const pair = new Uint8Array(2 * linkBytes);
    pair.set(at === 0 ? this.#seed : this.#links.subarray(at - linkBytes, at));
    this.#blake3.hashInto(new Uint8Array(block.buffer), pair, linkBytes);
    this.#blake3.hashInto(pair, this.#links, at);
    this.#linkCount++;
  }
}
