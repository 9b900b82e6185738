/**
 * KV pages of 32 positions: counted references, shared by forks; a memory that grows does so on demand.
 *
 * A page holds its positions' keys and values for every local layer (wasm/executor/attention.ts
 * draws a layer's part). A page that the prefix cache keeps is not free when its last session goes:
 * it lies idle, and is given up, the longest idle first, when nothing else is left.
 */
import { EngineError } from "./errors.ts";

const wasmPageBytes = 2 ** 16;
const growthBytesMin = 2 ** 20;

/** Hands out pages of one memory. */
export class PagePool {
  readonly pageBytes: number;
  readonly total: number;
  #memory: WebAssembly.Memory | undefined;
  readonly #basePtr: number;
  /** References by page; 0 is free. */
  readonly #references: Uint32Array;
  readonly #free: number[] = [];
  /** Called with a kept page that is given up. */
  readonly #kept = new Map<number, (page: number) => void>();
  /** Kept pages that no session refers to; in the order in which they were let go. */
  readonly #idle = new Set<number>();
  /** Pages below it have been handed out at least once. */
  #touched = 0;

  /** Pages start at `pagesPtr`; there are at most `pageCountMax`. */
  constructor(
    memory: WebAssembly.Memory,
    layout: { pagesPtr: number; pageBytes: number; pageCountMax: number },
  ) {
    this.#memory = memory;
    this.#basePtr = layout.pagesPtr;
    this.pageBytes = layout.pageBytes;
    this.total = layout.pageCountMax;
    this.#references = new Uint32Array(layout.pageCountMax);
  }

  /** Pages that sessions refer to. */
  get used(): number {
    return this.#touched - this.#free.length - this.#idle.size;
  }

  /** Pages that are kept and that no session refers to. */
  get idle(): number {
    return this.#idle.size;
  }

  /** Address of a page. */
  ptr(page: number): number {
    return this.#basePtr + page * this.pageBytes;
  }

  /**
   * Makes sure that `count` pages can be acquired without failing.
   *
   * @throws {EngineError} "no-memory"
   */
  reserve(count: number): void {
    if (count > this.total - this.used) {
      throw this.#exhausted(`needs ${count} more pages than the ${this.total - this.used} free`);
    }
    const untouched = Math.min(Math.max(0, count - this.#free.length), this.total - this.#touched);
    try {
      this.#grow(this.#touched + untouched);
    } catch (cause) {
      // What lies idle may do instead of what the system does not give.
      if (this.#free.length + this.#idle.size < count) throw cause;
      this.#giveUp(count);
    }
    this.#giveUp(count - untouched);
  }

  /** Takes a page that `reserve` has made sure of, with one reference. */
  acquire(): number {
    const page = this.#free.pop() ?? this.#touched++;
    this.#references[page] = 1;
    return page;
  }

  /** One more session refers to the page. */
  share(page: number): void {
    this.#references[page] = this.references(page) + 1;
    this.#idle.delete(page);
  }

  /** One session fewer does; at none the page is free, or idle when it is kept. */
  release(page: number): void {
    const left = this.references(page) - 1;
    this.#references[page] = left;
    if (left > 0) return;
    if (this.#kept.has(page)) this.#idle.add(page);
    else this.#free.push(page);
  }

  /** Keeps a page in use beyond its last session; `onGiveUp` is called when its room is needed. */
  keep(page: number, onGiveUp: (page: number) => void): void {
    this.#kept.set(page, onGiveUp);
  }

  /** How many sessions refer to the page. */
  references(page: number): number {
    return this.#references[page] ?? 0;
  }

  /** Whether the page's contents are somebody else's too, so that nobody may write to it. */
  isShared(page: number): boolean {
    return this.references(page) > 1 || this.#kept.has(page);
  }

  /** Copies a page's contents. */
  copy(from: number, to: number): void {
    if (this.#memory === undefined) return;
    const bytes = new Uint8Array(this.#memory.buffer);
    bytes.copyWithin(this.ptr(to), this.ptr(from), this.ptr(from) + this.pageBytes);
  }

  /** Lets go of the memory; pages can only be released from now on. */
  close(): void {
    this.#memory = undefined;
  }

  /** Makes `count` pages free, as far as there are idle ones. */
  #giveUp(count: number): void {
    for (const page of this.#idle) {
      if (this.#free.length >= count) return;
      this.#idle.delete(page);
      this.#free.push(page);
      this.#kept.get(page)?.(page);
      this.#kept.delete(page);
    }
  }

  /** Makes sure that the memory holds the first `touched` pages. */
  #grow(touched: number): void {
    const heldBytes = this.#memory?.buffer.byteLength ?? 0;
    const missing = this.#basePtr + touched * this.pageBytes - heldBytes;
    if (missing <= 0) return;
    const rest = this.#basePtr + this.total * this.pageBytes - heldBytes;
    const bytes = Math.min(Math.max(missing, growthBytesMin), rest);
    try {
      this.#memory?.grow(Math.ceil(bytes / wasmPageBytes));
    } catch (cause) {
      throw this.#exhausted(`needs ${bytes} more bytes than the system gives`, cause);
    }
  }

  #exhausted(what: string, cause?: unknown): EngineError {
    return new EngineError({
      code: "no-memory",
      cause,
      message:
        `Cannot keep keys and values as ${this.used} of ${this.total} pages of ${this.pageBytes} bytes are used: the call ${what}`,
    });
  }
}
