/**
 * The tokens of a session, as far as they are known, and the links of their whole pages: section 7.2
 * of docs/NUMERIC_CLASS.md with blocks of a page's 32 tokens.
 *
 * A session that was computed from hidden states instead of tokens has no trail from there on.
 */
import type { Blake3 } from "../hot/mod.ts";
import { tilePositions } from "./numeric_class.ts";

const LINK_BYTES = 32;
const BLOCK_BYTES = tilePositions * 4;

/** What links are made with. */
export interface LinkMaker {
  /** What the first link follows, 32 B. */
  readonly seed: Uint8Array;
  readonly blake3: Blake3;
}

/** A growing row of tokens; links are made when they are asked for. */
export class TokenTrail {
  readonly #maker: LinkMaker;
  readonly #tokens: number[];
  /** Of the first whole pages. */
  readonly #links: Uint8Array[];
  /** Tokens from here on may yet be taken back. */
  #sure: number;

  /** Starts empty, or with tokens that are certain and links of their pages. */
  constructor(maker: LinkMaker, known: { tokens?: number[]; links?: Uint8Array[] } = {}) {
    this.#maker = maker;
    this.#tokens = known.tokens ?? [];
    this.#links = known.links ?? [];
    this.#sure = this.#tokens.length;
  }

  /** A copy that changes on its own. */
  copy(): TokenTrail {
    return new TokenTrail(this.#maker, {
      tokens: this.#tokens.slice(),
      links: this.#links.slice(),
    });
  }

  /**
   * Notes tokens that were computed from `position` on; the first `sure` of them are certain to
   * stay. Where tokens before `position` are unknown, so do these stay.
   */
  push(position: number, options: { readonly tokens: Uint32Array; readonly sure: number }): void {
    if (position !== this.#tokens.length) return;
    for (const token of options.tokens) this.#tokens.push(token);
    this.#sure = position + options.sure;
  }

  /** Forgets tokens from `count` on. */
  truncate(count: number): void {
    if (count < this.#tokens.length) this.#tokens.length = count;
    const pages = Math.floor(count / tilePositions);
    if (pages < this.#links.length) this.#links.length = pages;
    this.#sure = Math.min(this.#sure, count);
  }

  /** Whole pages of tokens that are certain to stay. */
  get pageCount(): number {
    return Math.floor(this.#sure / tilePositions);
  }

  /** The link of page `index`, below `pageCount`. */
  link(index: number): Uint8Array {
    while (this.#links.length <= index) this.#links.push(this.#nextLink());
    return this.#links[index] ?? this.#maker.seed;
  }

  #nextLink(): Uint8Array {
    const first = this.#links.length * tilePositions;
    const block = new DataView(new ArrayBuffer(BLOCK_BYTES));
    for (let i = 0; i < tilePositions; i++) {
      block.setUint32(i * 4, this.#tokens[first + i] ?? 0, true);
    }
    const { seed, blake3 } = this.#maker;
    const pair = new Uint8Array(2 * LINK_BYTES);
    pair.set(this.#links.at(-1) ?? seed);
    pair.set(blake3.hash(new Uint8Array(block.buffer)), LINK_BYTES);
    return blake3.hash(pair);
  }
}
