/**
 * Sessions of the WASM executor: a list of pages and a position count per layer.
 */
import { LayerCounts } from "./_layer_counts.ts";
import type { PagePool } from "./_pages.ts";
import { EngineError } from "./errors.ts";
import type { LayerRange, Session } from "./face.ts";
import { tilePositions } from "./numeric_class.ts";

/** What the sessions of one executor share. */
export interface SessionHome {
  readonly layers: LayerRange;
  readonly pool: PagePool;
  /** @throws {EngineError} "closed" */
  assertOpen(): void;
}

/** A session of the WASM executor. */
export class PagedSession implements Session {
  readonly #home: SessionHome;
  readonly #counts: LayerCounts;
  #pages: number[];
  #state: "idle" | "computing" | "dropped" = "idle";
  /** Set by `drop` while computing; `leave` then gives the pages back. */
  #dropWhenIdle = false;

  /** An empty session, or (for `fork`) one that starts with the given state. */
  constructor(home: SessionHome, state?: { counts: LayerCounts; pages: number[] }) {
    this.#home = home;
    this.#counts = state?.counts ?? new LayerCounts(home.layers);
    this.#pages = state?.pages ?? [];
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
    this.#trim();
  }

  fork(): Session {
    this.#assertIdle("fork");
    for (const page of this.#pages) this.#home.pool.share(page);
    return new PagedSession(this.#home, {
      counts: this.#counts.copy(),
      pages: this.#pages.slice(),
    });
  }

  drop(): void {
    if (this.#state === "computing") this.#dropWhenIdle = true;
    else this.#release();
  }

  /** Pages that writing `count` positions from `first` on takes: new ones, and copies of shared. */
  pagesNeeded(first: number, count: number): number {
    let needed = 0;
    for (let index = first >> 5; index <= (first + count - 1) >> 5; index++) {
      const page = this.#pages[index];
      if (page === undefined || this.#home.pool.references(page) > 1) needed++;
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
      else if (pool.references(page) > 1) {
        const own = pool.acquire();
        pool.copy(page, own);
        pool.release(page);
        this.#pages[index] = own;
      }
    }
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
    const keep = Math.ceil(this.#counts.high() / tilePositions);
    for (const page of this.#pages.splice(keep)) this.#home.pool.release(page);
  }

  #release(): void {
    if (this.#state === "dropped") return;
    this.#state = "dropped";
    for (const page of this.#pages.splice(0)) this.#home.pool.release(page);
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
