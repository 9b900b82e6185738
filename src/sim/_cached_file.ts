/**
 * One file of the modelled disk: what programs see (`live`), what the platter holds (`durable`), and
 * every version that a page or the length had since the last sync, any of which a crash may keep.
 */
import type { SeededRandom } from "./seeded_random.ts";

/** File content behind a page cache. */
export class CachedFile {
  readonly kind = "file";
  readonly mode: number;
  readonly ownerId: number;
  modifiedMs = 0;
  readonly #pageBytes: number;
  /** What reads return; the array's length is the file's. */
  #live: Uint8Array;
  /** What surely survives a crash when nothing newer does. */
  #durable: Uint8Array;
  /** Page index -> contents (full pages, zero padded) since the last sync, oldest first. */
  readonly #pages = new Map<number, Uint8Array[]>();
  /** Lengths since the last sync, oldest first. */
  #lengths: number[] = [];

  /** @param options `content` is taken as durable */
  constructor(
    options: { mode: number; ownerId: number; pageBytes: number; content?: Uint8Array },
  ) {
    this.mode = options.mode;
    this.ownerId = options.ownerId;
    this.#pageBytes = options.pageBytes;
    this.#live = options.content ?? new Uint8Array(0);
    this.#durable = this.#live.slice();
  }

  get sizeBytes(): number {
    return this.#live.length;
  }

  read(into: Uint8Array, position: number): number {
    const part = this.#live.subarray(position, position + into.length);
    into.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    const from = Math.min(position, this.sizeBytes);
    if (end > this.sizeBytes) this.#resize(end);
    this.#live.set(bytes, position);
    this.#touch(from, end);
  }

  truncate(sizeBytes: number): void {
    const before = this.sizeBytes;
    if (sizeBytes === before) return;
    this.#resize(sizeBytes);
    this.#touch(Math.min(before, sizeBytes), Math.max(before, sizeBytes));
  }

  /** Everything written so far survives from now on, but for pages a failed sync gave up. */
  sync(): void {
    const next = new Uint8Array(this.sizeBytes);
    next.set(this.#durable.subarray(0, next.length));
    for (const index of this.#pages.keys()) {
      const start = index * this.#pageBytes;
      if (start < next.length) {
        next.set(this.#live.subarray(start, start + this.#pageBytes), start);
      }
    }
    this.#durable = next;
    this.#pages.clear();
    this.#lengths = [];
  }

  /**
   * What Linux does when writing back fails: the pages are marked clean all the same, so that a
   * later successful sync does not write them again; reads still show them.
   */
  failSync(): void {
    this.#pages.clear();
  }

  /** The file as a power cut may leave it. */
  crash(random: SeededRandom): CachedFile {
    const length = random.pick([this.#durable.length, ...this.#lengths]);
    const content = new Uint8Array(length);
    content.set(this.#durable.subarray(0, length));
    for (const [index, versions] of this.#pages) {
      const start = index * this.#pageBytes;
      if (start >= length) continue;
      const page = this.#tornPage(random, [this.#pageOf(this.#durable, index), ...versions]);
      content.set(page.subarray(0, length - start), start);
    }
    return this.#withContent(content);
  }

  /** The file as a killed process leaves it: the cache is intact. */
  settled(): CachedFile {
    return this.#withContent(this.#live.slice());
  }

  /** Any version, or the beginning of one and the rest of another. */
  #tornPage(random: SeededRandom, versions: [Uint8Array, ...Uint8Array[]]): Uint8Array {
    const page = random.pick(versions).slice();
    if (random.chance(0.3)) {
      const cut = random.below(this.#pageBytes);
      page.set(random.pick(versions).subarray(cut), cut);
    }
    return page;
  }

  #withContent(content: Uint8Array): CachedFile {
    const { mode, ownerId } = this;
    const file = new CachedFile({ mode, ownerId, pageBytes: this.#pageBytes, content });
    file.modifiedMs = this.modifiedMs;
    return file;
  }

  #resize(sizeBytes: number): void {
    const next = new Uint8Array(sizeBytes);
    next.set(this.#live.subarray(0, sizeBytes));
    this.#live = next;
    this.#lengths.push(sizeBytes);
  }

  #touch(from: number, to: number): void {
    const last = Math.floor((to - 1) / this.#pageBytes);
    for (let index = Math.floor(from / this.#pageBytes); index <= last; index++) {
      const versions = this.#pages.get(index) ?? [];
      versions.push(this.#pageOf(this.#live, index));
      this.#pages.set(index, versions);
    }
  }

  #pageOf(content: Uint8Array, index: number): Uint8Array {
    const page = new Uint8Array(this.#pageBytes);
    const start = index * this.#pageBytes;
    page.set(content.subarray(start, start + this.#pageBytes));
    return page;
  }
}
