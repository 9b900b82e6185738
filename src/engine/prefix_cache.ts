/**
 * Finds keys and values of a prompt's beginning that an earlier session has computed.
 *
 * Full pages are known by the chain links of their tokens (section 7.2 of docs/NUMERIC_CLASS.md), so
 * equal links mean equal beginnings, and by the numeric class equal bits. The pool counts who uses a
 * page and gives up the one that has been idle for longest. Sessions let go of their last page
 * first, and whoever uses a page uses all before it, so what is given up is always the end of a
 * chain: no page is kept that cannot be found any more.
 */
import { Blake3, encodeHex } from "../hot/mod.ts";
import type { PagePool } from "./_pages.ts";
import { TokenTrail } from "./_token_trail.ts";
import type { LinkMaker } from "./_token_trail.ts";
import type { PrefixCounters } from "./face.ts";
import { tilePositions } from "./numeric_class.ts";
import { hashTokenBlocks } from "./token_blocks.ts";

const LINK_BYTES = 32;

/** A beginning that was found. */
export interface TakenPrefix {
  /** Whole pages from position 0 on, each with a reference for the taker. */
  readonly pages: number[];
  readonly trail: TokenTrail;
}

/** The cache of one pool. */
export class PrefixCache {
  readonly #pool: PagePool;
  readonly #maker: LinkMaker;
  /** Pages by link, in hexadecimal; every one is kept by the pool. */
  readonly #pages = new Map<string, number>();
  #hitPositions = 0;
  #askedPositions = 0;
  #evictedPages = 0;

  /** @param seed what the first links follow (`tokenChainSeed`), 32 B */
  constructor(pool: PagePool, seed: Uint8Array) {
    this.#pool = pool;
    this.#maker = { seed, blake3: new Blake3() };
  }

  /** A trail that begins at position 0, for a session that takes nothing over. */
  trail(): TokenTrail {
    return new TokenTrail(this.#maker);
  }

  /** Takes the longest known run of whole pages; never the last token's, which is to be computed. */
  take(tokens: Uint32Array): TakenPrefix {
    const whole = Math.floor(Math.max(0, tokens.length - 1) / tilePositions);
    const links = hashTokenBlocks(tokens.subarray(0, whole * tilePositions), {
      blockTokens: tilePositions,
      seed: this.#maker.seed,
    });
    const pages = this.#find(links);
    const positions = pages.length * tilePositions;
    this.#askedPositions += tokens.length;
    this.#hitPositions += positions;
    const known = {
      tokens: [...tokens.subarray(0, positions)],
      links: pages.map((_, i) => links.slice(i * LINK_BYTES, (i + 1) * LINK_BYTES)),
    };
    return { pages, trail: new TokenTrail(this.#maker, known) };
  }

  /** Takes the longest known run of the pages that `links` name, each with a reference. */
  takeLinks(links: Uint8Array): number[] {
    const pages = this.#find(links);
    this.#askedPositions += links.length / LINK_BYTES * tilePositions;
    this.#hitPositions += pages.length * tilePositions;
    return pages;
  }

  /**
   * Makes a session's full page known under its link; all pages before it must be known already.
   *
   * @returns the page that the session goes on with: its own, or an equal one that was known before,
   *   which takes over the reference
   */
  register(link: Uint8Array, page: number): number {
    const key = encodeHex(link);
    const known = this.#pages.get(key);
    if (known === page) return page;
    if (known !== undefined) {
      this.#pool.share(known);
      this.#pool.release(page);
      return known;
    }
    this.#pages.set(key, page);
    this.#pool.keep(page, () => {
      this.#pages.delete(key);
      this.#evictedPages++;
    });
    return page;
  }

  #find(links: Uint8Array): number[] {
    const pages: number[] = [];
    for (; pages.length < links.length / LINK_BYTES; this.#pool.share(pages.at(-1) ?? 0)) {
      const page = this.#pages.get(encodeHex(links, pages.length * LINK_BYTES, LINK_BYTES));
      if (page === undefined) break;
      pages.push(page);
    }
    return pages;
  }

  /** What it has done so far. */
  counters(): PrefixCounters {
    return {
      hitPositions: this.#hitPositions,
      askedPositions: this.#askedPositions,
      heldPages: this.#pool.idle,
      evictedPages: this.#evictedPages,
    };
  }
}
