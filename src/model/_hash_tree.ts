/**
 * Walks an outboard beside its content: pairs are taken in pre-order, which is the order in which the
 * groups need them, so that a stack of one value per level and a page of pairs are all it holds.
 *
 * Format: docs/BLAKE3_OUTBOARD.md.
 */
import { BLAKE3_GROUP_BYTES } from "../hot/mod.ts";
import type { Blake3 } from "../hot/mod.ts";
import { PAGE_BYTES, readFully } from "./_hash_pieces.ts";
import type { ByteSource } from "./gguf_types.ts";

const PAIR_BYTES = 64;
const VALUE_BYTES = 32;
const VALUE_WORDS = 8;
/** Height of the tree of 2^36 bytes in groups of 2^14. */
const HEIGHT_MAX = 22;

/** What `check` found wrong: a group of the content, or a pair of the outboard on the way to it. */
export interface TreeFault {
  readonly what: "group" | "pair";
  /** The group in the content. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** Checks a content's groups in order against a root, by an outboard that is read along. */
export class TreeWalk {
  readonly #blake3: Blake3;
  readonly #outboard: ByteSource;
  readonly #groups: number;
  /** Subtrees whose groups are still to come: how many each has, and its value at 8 words a level. */
  readonly #counts = new Uint32Array(HEIGHT_MAX + 2);
  readonly #stack = new Uint32Array((HEIGHT_MAX + 2) * VALUE_WORDS);
  #depth = 1;
  /** Pairs read and not taken are at `#from` to `#to` of the page, a view for each. */
  readonly #page: Uint8Array<ArrayBuffer>;
  readonly #pageWords: Uint32Array<ArrayBuffer>;
  readonly #pairs: readonly Uint8Array[];
  #from = 0;
  #to = 0;
  #outboardRead = 0;
  #group = 0;
  readonly #values = new Uint8Array(64 * VALUE_BYTES);
  readonly #valueWords = new Uint32Array(this.#values.buffer);
  readonly #computed = new Uint8Array(VALUE_BYTES);
  readonly #computedWords = new Uint32Array(this.#computed.buffer);

  /** @param content the root, and the length, whose outboard must have the right length */
  constructor(
    blake3: Blake3,
    content: { readonly root: Uint8Array; readonly lengthBytes: number },
    outboard: ByteSource,
  ) {
    this.#blake3 = blake3;
    this.#outboard = outboard;
    this.#groups = Math.max(1, Math.ceil(content.lengthBytes / BLAKE3_GROUP_BYTES));
    this.#counts[0] = this.#groups;
    new Uint8Array(this.#stack.buffer).set(content.root);
    this.#page = blake3.arena.subarray(0, PAGE_BYTES);
    this.#pageWords = new Uint32Array(this.#page.buffer, this.#page.byteOffset, PAGE_BYTES / 4);
    this.#pairs = Array.from(
      { length: PAGE_BYTES / PAIR_BYTES },
      (_, i) => this.#page.subarray(i * PAIR_BYTES, (i + 1) * PAIR_BYTES),
    );
  }

  /**
   * Checks the next groups: whole ones, at most 64, or the content's last bytes.
   *
   * @returns the first fault, if any
   * @throws {ModelError} or {DiskError} when the outboard cannot be read
   */
  async check(bytes: Uint8Array): Promise<TreeFault | undefined> {
    const count = Math.max(1, Math.ceil(bytes.length / BLAKE3_GROUP_BYTES));
    await this.#fill(count + HEIGHT_MAX);
    if (this.#groups === 1) this.#blake3.hashInto(bytes, this.#values);
    else this.#blake3.groupValuesInto(bytes, this.#group, this.#values);
    for (let i = 0; i < count; i++, this.#group++) {
      const isPairRight = this.#descend();
      if (!isPairRight || !this.#isTop(this.#valueWords, i)) {
        const offsetBytes = this.#group * BLAKE3_GROUP_BYTES;
        return {
          what: isPairRight ? "group" : "pair",
          offsetBytes,
          lengthBytes: BLAKE3_GROUP_BYTES,
        };
      }
      this.#depth--;
    }
    return undefined;
  }

  /** Makes the next group the top of the stack. @returns false when a pair on the way is wrong */
  #descend(): boolean {
    for (let top = this.#depth - 1; (this.#counts[top] ?? 0) > 1; top++, this.#depth++) {
      const groups = this.#counts[top] ?? 0;
      const pair = this.#pairs[this.#from / PAIR_BYTES] ?? new Uint8Array(0);
      this.#blake3.parentInto(pair, groups === this.#groups, this.#computed);
      if (!this.#isTop(this.#computedWords, 0)) return false;
      const words = this.#from / 4;
      const left = 2 ** (31 - Math.clz32(groups - 1));
      this.#counts[top] = groups - left;
      this.#counts[top + 1] = left;
      for (let i = 0; i < VALUE_WORDS; i++) {
        this.#stack[top * VALUE_WORDS + i] = this.#pageWords[words + VALUE_WORDS + i] ?? 0;
        this.#stack[(top + 1) * VALUE_WORDS + i] = this.#pageWords[words + i] ?? 0;
      }
      this.#from += PAIR_BYTES;
    }
    return true;
  }

  /** Whether the top of the stack has the `index`-th value of `words`. */
  #isTop(words: Uint32Array, index: number): boolean {
    const top = (this.#depth - 1) * VALUE_WORDS;
    for (let i = 0; i < VALUE_WORDS; i++) {
      if (this.#stack[top + i] !== words[index * VALUE_WORDS + i]) return false;
    }
    return true;
  }

  /** Sees to it that `pairs` pairs, or all that are left, are in the page. */
  async #fill(pairs: number): Promise<void> {
    const left = this.#outboard.sizeBytes - this.#outboardRead;
    if (this.#to - this.#from >= pairs * PAIR_BYTES || left === 0) return;
    this.#page.copyWithin(0, this.#from, this.#to);
    this.#to -= this.#from;
    this.#from = 0;
    const into = this.#page.subarray(this.#to, Math.min(PAGE_BYTES, this.#to + left));
    await readFully(this.#outboard, into, this.#outboardRead);
    this.#outboardRead += into.length;
    this.#to += into.length;
  }
}
