/**
 * KV pages of 32 positions: counted references, grown on demand, shared by forks.
 *
 * A page holds its positions' keys and values for every local layer (wasm/executor/attention.ts
 * draws a layer's part).
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

  /** Pages in use. */
  get used(): number {
    return this.#touched - this.#free.length;
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
    const touched = this.#touched + Math.max(0, count - this.#free.length);
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

  /** Takes a page that `reserve` has made sure of, with one reference. */
  acquire(): number {
    const page = this.#free.pop() ?? this.#touched++;
    this.#references[page] = 1;
    return page;
  }

  /** One more session refers to the page. */
  share(page: number): void {
    this.#references[page] = this.references(page) + 1;
  }

  /** One session fewer does; at none the page is free. */
  release(page: number): void {
    const left = this.references(page) - 1;
    this.#references[page] = left;
    if (left === 0) this.#free.push(page);
  }

  /** How many sessions refer to the page. */
  references(page: number): number {
    return this.#references[page] ?? 0;
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

  #exhausted(what: string, cause?: unknown): EngineError {
    return new EngineError({
      code: "no-memory",
      cause,
      message:
        `Cannot keep keys and values as ${this.used} of ${this.total} pages of ${this.pageBytes} bytes are used: the call ${what}`,
    });
  }
}
