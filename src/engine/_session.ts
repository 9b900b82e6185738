/**
 * Sessions of the WASM executor: a list of pages and a position count per layer.
 */
import { LayerCounts } from "./_layer_counts.ts";
import type { PagePool } from "./_pages.ts";
import type { TokenTrail } from "./_token_trail.ts";
import { EngineError } from "./errors.ts";
import type { LayerRange, Session, SessionOptions } from "./face.ts";
import { tilePositions } from "./numeric_class.ts";
import type { PrefixCache } from "./prefix_cache.ts";

const linkBytes = 32;

/** What the sessions of one executor share. */
export interface SessionHome {
  readonly layers: LayerRange;
  readonly pool: PagePool;
  /** Where full pages are made known, if they are to be. */
  readonly prefixes?: PrefixCache | undefined;
  /** @throws {EngineError} "closed" */
  assertOpen(): void;
  /** Asks the pass that is computing to end. */
  stop?(): void;
}

/** What a session begins with. */
interface SessionState {
  readonly counts: LayerCounts;
  readonly pages: number[];
  readonly trail: TokenTrail | undefined;
  readonly knownPages: number;
}

/** A session of the WASM executor. */
export class PagedSession implements Session {
  readonly #home: SessionHome;
  readonly #counts: LayerCounts;
  readonly #trail: TokenTrail | undefined;
  #pages: number[];
  /** Pages from 0 on that the prefix cache knows. */
  #knownPages = 0;
  #state: "idle" | "computing" | "dropped" = "idle";
  /** Set by `drop` while computing; `leave` then gives the pages back. */
  #dropWhenIdle = false;

  /** An empty session, or (for `fork` and `open`) one that starts with the given state. */
  constructor(home: SessionHome, state?: SessionState) {
    this.#home = home;
    this.#counts = state?.counts ?? new LayerCounts(home.layers);
    this.#pages = state?.pages ?? [];
    this.#trail = state === undefined ? home.prefixes?.trail() : state.trail;
    this.#knownPages = state?.knownPages ?? 0;
  }

  /** Opens a session that takes over what is known of the beginning that `options` tells. */
  static open(home: SessionHome, { prefix, links, layers }: SessionOptions): PagedSession {
    const held = layers ?? home.layers;
    const isWhole = held.from === home.layers.from && held.to === home.layers.to;
    if (isWhole && prefix === undefined && links === undefined) return new PagedSession(home);
    const { pages, trail } = takeKnown(home, links ?? (isWhole ? prefix : undefined));
    const counts = new LayerCounts(held);
    counts.set(held, pages.length * tilePositions);
    return new PagedSession(home, { counts, pages, trail, knownPages: pages.length });
  }

  /** Narrows a session of the face. @throws {TypeError} when another executor opened it */
  static of(session: Session, home: SessionHome): PagedSession {
    if (session instanceof PagedSession && session.#home === home) return session;
    throw new TypeError("Cannot use the session as another executor opened it");
  }

  /** Positions per layer. @throws {EngineError} "closed" after `drop` */
  get counts(): LayerCounts {
    this.#assertUsable();
    return this.#counts;
  }

  get positionCount(): number {
    return this.counts.low();
  }

  truncate(positionCount: number): void {
    this.#assertIdle("truncate");
    this.#counts.truncate(positionCount);
    this.#trail?.truncate(positionCount);
    this.#knownPages = Math.min(this.#knownPages, Math.floor(positionCount / tilePositions));
    this.#trim();
  }

  /** Forgets what a call wrote that failed elsewhere: positions from `count` on, in some layers. */
  forget(layers: LayerRange, count: number): void {
    if (this.#state === "dropped" || this.#dropWhenIdle) return;
    this.#counts.set(layers, count);
    this.#trim();
  }

  fork(): PagedSession {
    this.#assertIdle("fork");
    for (const page of this.#pages) this.#home.pool.share(page);
    return new PagedSession(this.#home, {
      counts: this.#counts.copy(),
      pages: this.#pages.slice(),
      trail: this.#trail?.copy(),
      knownPages: this.#knownPages,
    });
  }

  drop(): void {
    if (this.#state !== "computing") return this.#release();
    this.#dropWhenIdle = true;
    this.#home.stop?.();
  }

  /** Pages that writing `count` positions from `first` on takes: new ones, and copies of shared. */
  pagesNeeded(first: number, count: number): number {
    let needed = 0;
    for (let index = first >> 5; index <= (first + count - 1) >> 5; index++) {
      const page = this.#pages[index];
      if (page === undefined || this.#home.pool.isShared(page)) needed++;
    }
    return needed;
  }

  /** Marks the session as computing and makes its pages for these positions its own. */
  enter(first: number, count: number): void {
    this.#assertIdle("compute");
    this.#state = "computing";
    const { pool } = this.#home;
    for (let index = first >> 5; index <= (first + count - 1) >> 5; index++) {
      const page = this.#pages[index];
      if (page === undefined) this.#pages.push(pool.acquire());
      else if (pool.isShared(page)) {
        const own = pool.acquire();
        pool.copy(page, own);
        pool.release(page);
        this.#pages[index] = own;
      }
    }
  }

  /**
   * Tells what the positions from `first` on were computed from, once all layers have them, so that
   * full pages can be found again; tokens beyond the first `sure` ones may yet be taken back, and
   * their pages wait for the next call.
   */
  learn(first: number, options: { readonly tokens: Uint32Array; readonly sure: number }): void {
    this.#trail?.push(first, options);
    this.#makeKnown();
  }

  /** As `learn`, of a session whose tokens are not known here: `links` are of its whole pages. */
  learnLinks(links: Uint8Array): void {
    const count = Math.floor(links.length / linkBytes);
    this.#register(count, (page) => links.slice(page * linkBytes, (page + 1) * linkBytes));
  }

  /** Ends what `enter` began; pages beyond the positions that are held go back. */
  leave(): void {
    this.#state = "idle";
    if (this.#dropWhenIdle) this.#release();
    else this.#trim();
  }

  /** Whether `drop` was called while computing. */
  get isLeaving(): boolean {
    return this.#dropWhenIdle;
  }

  /** Address of the page of a position. */
  pagePtr(position: number): number {
    return this.#home.pool.ptr(this.#pages[position >> 5] ?? 0);
  }

  /** Addresses of the pages of positions 0 to `last`. */
  pagePtrs(last: number): number[] {
    return this.#pages.slice(0, (last >> 5) + 1).map((page) => this.#home.pool.ptr(page));
  }

  #trim(): void {
    this.#giveBack(Math.ceil(this.#counts.high() / tilePositions));
  }

  #release(): void {
    if (this.#state === "dropped") return;
    this.#state = "dropped";
    this.#giveBack(0);
  }

  /** Keeps the first `keep` pages; the last one goes first, as the prefix cache wants it. */
  #giveBack(keep: number): void {
    for (const page of this.#pages.splice(keep).reverse()) this.#home.pool.release(page);
  }

  #makeKnown(): void {
    const trail = this.#trail;
    if (trail !== undefined) this.#register(trail.pageCount, (page) => trail.link(page));
  }

  /** Makes the first `count` pages known under their links, as far as they are full. */
  #register(count: number, linkOf: (page: number) => Uint8Array): void {
    const { prefixes } = this.#home;
    if (prefixes === undefined) return;
    const full = Math.min(count, Math.floor(this.#counts.low() / tilePositions));
    for (; this.#knownPages < full; this.#knownPages++) {
      const page = this.#pages[this.#knownPages];
      if (page === undefined) return;
      this.#pages[this.#knownPages] = prefixes.register(linkOf(this.#knownPages), page);
    }
  }

  #assertIdle(verb: string): void {
    this.#assertUsable();
    if (this.#state === "computing") {
      throw new EngineError({
        code: "busy",
        message: `Cannot ${verb} the session as a pass is computing it`,
      });
    }
  }

  #assertUsable(): void {
    this.#home.assertOpen();
    if (this.#state === "dropped" || this.#dropWhenIdle) {
      throw new EngineError({
        code: "closed",
        message: "Cannot use the session as it was dropped",
      });
    }
  }
}

/** What is known of the beginning that tokens or links tell; nothing where nothing is kept. */
function takeKnown(
  { prefixes }: SessionHome,
  beginning: Uint32Array | Uint8Array | undefined,
): { readonly pages: number[]; readonly trail: TokenTrail | undefined } {
  if (beginning instanceof Uint32Array && prefixes !== undefined) return prefixes.take(beginning);
  const isKnown = beginning instanceof Uint8Array && prefixes !== undefined;
  return { pages: isKnown ? prefixes.takeLinks(beginning) : [], trail: undefined };
}
