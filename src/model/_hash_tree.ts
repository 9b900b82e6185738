/**
 * Walks an outboard beside its content: pairs are taken in pre-order, which is the order in which the
 * groups need them, so that a stack of one value per level and a page of pairs are all it holds.
 *
 * Format: docs/BLAKE3_OUTBOARD.md.
 */
import { type Blake3, BLAKE3_GROUP_BYTES } from "../hot/mod.ts";
import { PAGE_BYTES, readFully } from "./_hash_pieces.ts";
import type { ByteSource } from "./gguf_types.ts";

const PAIR_BYTES = 64;
const VALUE_BYTES = 32;
/** Height of the tree of 2^36 bytes in groups of 2^14. */
const HEIGHT_MAX = 22;

/** A subtree whose groups are still to come. */
interface Subtree {
  readonly value: Uint8Array;
  readonly groups: number;
}

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
  readonly #stack: Subtree[];
  /** Pairs read and not taken are at `#from` to `#to` of the page. */
  readonly #page: Uint8Array<ArrayBuffer>;
  #from = 0;
  #to = 0;
  #outboardRead = 0;
  #group = 0;
  readonly #computed = new Uint8Array(VALUE_BYTES);
  readonly #values = new Uint8Array(64 * VALUE_BYTES);

  /** @param content the root, and the length, whose outboard must have the right length */
  constructor(
    blake3: Blake3,
    content: { readonly root: Uint8Array; readonly lengthBytes: number },
    outboard: ByteSource,
  ) {
    this.#blake3 = blake3;
    this.#outboard = outboard;
    this.#groups = Math.max(1, Math.ceil(content.lengthBytes / BLAKE3_GROUP_BYTES));
    this.#stack = [{ value: content.root, groups: this.#groups }];
    this.#page = blake3.arena.subarray(0, PAGE_BYTES);
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
      const expected = this.#next();
      const what = expected === undefined ? "pair" : "group";
      if (expected === undefined || !isEqual(expected, this.#values, VALUE_BYTES * i)) {
        const offsetBytes = this.#group * BLAKE3_GROUP_BYTES;
        return { what, offsetBytes, lengthBytes: BLAKE3_GROUP_BYTES };
      }
    }
    return undefined;
  }

  /** The value that the next group must have, or `undefined` when a pair on the way is wrong. */
  #next(): Uint8Array | undefined {
    let top = this.#stack.pop();
    while (top !== undefined && top.groups > 1) {
      const pair = this.#page.subarray(this.#from, this.#from + PAIR_BYTES);
      this.#from += PAIR_BYTES;
      this.#blake3.parentInto(pair, top.groups === this.#groups, this.#computed);
      if (!isEqual(top.value, this.#computed, 0)) return undefined;
      const left = 2 ** (31 - Math.clz32(top.groups - 1));
      // Copies, since the page moves on before the right side's turn.
      this.#stack.push({ value: pair.slice(VALUE_BYTES), groups: top.groups - left });
      top = { value: pair.slice(0, VALUE_BYTES), groups: left };
    }
    return top?.value;
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

function isEqual(value: Uint8Array, other: Uint8Array, at: number): boolean {
  for (let i = 0; i < VALUE_BYTES; i++) if (value[i] !== other[at + i]) return false;
  return true;
}
