/**
 * The tree of a content's BLAKE3 digest down to groups of 16 KiB, kept beside the content, so that
 * each group verifies alone and an interrupted download resumes inside a file.
 *
 * Format: docs/BLAKE3_OUTBOARD.md. Not here: files, and proofs of single slices (`slice.ts`).
 */
import { ARENA_BYTES } from "./_blake3_map.ts";
import { childrenOf, groupsOf, PAIR_BYTES } from "./_tree_layout.ts";
import type { Parent } from "./_tree_layout.ts";
import { BLAKE3_DIGEST_BYTES, BLAKE3_GROUP_BYTES } from "./blake3.ts";
import type { Blake3 } from "./blake3.ts";
import { HotError } from "./hot_error.ts";

/** What is known of a content without its bytes. */
export interface ContentId {
  /** The BLAKE3 digest, 32 bytes. */
  readonly root: Uint8Array;
  /** Length of the content, 0 to OUTBOARD_CONTENT_BYTES_MAX. */
  readonly lengthBytes: number;
}

/** A content's digest and outboard. */
export interface ContentTree extends ContentId {
  /** Pairs in pre-order, 64 B for each group but one. */
  readonly outboard: Uint8Array;
}

/** Bytes of the outboard of a content of `lengthBytes`. */
export function outboardBytes(lengthBytes: number): number {
  return (groupsOf(lengthBytes) - 1) * PAIR_BYTES;
}

/** Builds digest and outboard of a content whose length is known, from pieces in order. */
export class OutboardBuilder {
  readonly #blake3: Blake3;
  readonly #lengthBytes: number;
  readonly #values: Uint8Array;
  #done = 0;
  /** A content of one group has no values: its digest. */
  readonly #root = new Uint8Array(BLAKE3_DIGEST_BYTES);

  /**
   * @param blake3 must be unkeyed for digests that others can check
   * @throws {RangeError} when the length is out of range
   */
  constructor(blake3: Blake3, lengthBytes: number) {
    this.#blake3 = blake3;
    this.#lengthBytes = lengthBytes;
    this.#values = new Uint8Array(groupsOf(lengthBytes) * BLAKE3_DIGEST_BYTES);
  }

  /**
   * Takes the next piece: whole groups, or the rest of the content. In the arena it is not copied.
   *
   * @throws {RangeError} when a piece ends inside a group, is above 4 MiB, or goes beyond the length
   */
  add(piece: Uint8Array): void {
    const end = this.#done + piece.length;
    const whole = piece.length % BLAKE3_GROUP_BYTES === 0 || end === this.#lengthBytes;
    if (!whole || end > this.#lengthBytes || piece.length > ARENA_BYTES) {
      throw new RangeError(
        `Cannot add a piece as it must be whole groups of ${BLAKE3_GROUP_BYTES} bytes, at most ` +
          `${ARENA_BYTES}, or the rest: current value is ${piece.length} at ${this.#done}`,
      );
    }
    if (this.#lengthBytes <= BLAKE3_GROUP_BYTES) this.#blake3.hashInto(piece, this.#root);
    else if (piece.length > 0) {
      const first = this.#done / BLAKE3_GROUP_BYTES;
      this.#blake3.groupValuesInto(piece, first, this.#values.subarray(32 * first));
    }
    this.#done = end;
  }

  /**
   * The tree of what was added.
   *
   * @throws {RangeError} when bytes are missing
   */
  finish(): ContentTree {
    if (this.#done !== this.#lengthBytes) {
      throw new RangeError(
        `Cannot finish an outboard as ${this.#lengthBytes} bytes are expected: ` +
          `current value is ${this.#done}`,
      );
    }
    const lengthBytes = this.#lengthBytes;
    const count = groupsOf(lengthBytes);
    const outboard = new Uint8Array(outboardBytes(lengthBytes));
    if (count === 1) {
      if (lengthBytes === 0) this.#blake3.hashInto(new Uint8Array(0), this.#root);
    } else this.#join({ first: 0, count, index: 0 }, outboard, this.#root);
    return { root: this.#root, lengthBytes, outboard };
  }

  /** Writes the pairs of a parent and of those below it, and the parent's own value to `out`. */
  #join(parent: Parent, outboard: Uint8Array, out: Uint8Array): void {
    const at = parent.index * PAIR_BYTES;
    const pair = outboard.subarray(at, at + PAIR_BYTES);
    const { left, right } = childrenOf(parent);
    for (const [side, child] of [left, right].entries()) {
      const value = pair.subarray(32 * side, 32 * side + 32);
      if (child.count === 1) {
        value.set(this.#values.subarray(32 * child.first, 32 * child.first + 32));
      } else this.#join(child, outboard, value);
    }
    this.#blake3.parentInto(pair, parent.count === groupsOf(this.#lengthBytes), out);
  }
}

/** An outboard that was found to lead to its root: it says of each group whether it is the right one. */
export class VerifiedOutboard {
  /** Groups of the content, at least one. */
  readonly groups: number;
  /** Length of the content. */
  readonly lengthBytes: number;
  readonly #blake3: Blake3;
  readonly #tree: ContentTree;
  readonly #values: Uint8Array;
  readonly #scratch = new Uint8Array((ARENA_BYTES / BLAKE3_GROUP_BYTES) * 32);

  /**
   * Checks every pair, from the root down.
   *
   * @throws {HotError} `wrong-length` or `wrong-outboard`
   * @throws {RangeError} when the length or the root is out of range
   */
  constructor(blake3: Blake3, tree: ContentTree) {
    checkRoot(tree.root);
    this.groups = groupsOf(tree.lengthBytes);
    this.lengthBytes = tree.lengthBytes;
    this.#blake3 = blake3;
    this.#tree = tree;
    if (tree.outboard.length !== outboardBytes(tree.lengthBytes)) {
      throw new HotError({
        code: "wrong-length",
        message: `Cannot use an outboard as ${tree.lengthBytes} bytes of content have ` +
          `${
            outboardBytes(tree.lengthBytes)
          } bytes of it: current value has ${tree.outboard.length}`,
        offsetBytes: 0,
      });
    }
    this.#values = new Uint8Array(this.groups * 32);
    const top = { first: 0, count: this.groups, index: 0 };
    if (this.groups > 1) this.#check(top, tree.root, new Uint8Array(32));
  }

  /**
   * Checks whole groups, or the content's last bytes, that begin at `offsetBytes`.
   *
   * @param offsetBytes a multiple of BLAKE3_GROUP_BYTES
   * @throws {HotError} `wrong-group` with the offset of the first wrong group
   * @throws {RangeError} when the bytes are not whole groups of this content, or above 4 MiB
   */
  verify(bytes: Uint8Array, offsetBytes: number): void {
    this.#checkRange(bytes, offsetBytes);
    const first = offsetBytes / BLAKE3_GROUP_BYTES;
    if (this.groups === 1) {
      this.#blake3.hashInto(bytes, this.#scratch);
      if (!sameValue(this.#scratch, 0, this.#tree.root, 0)) throw wrongGroup(0);
      return;
    }
    this.#blake3.groupValuesInto(bytes, first, this.#scratch);
    const count = Math.ceil(bytes.length / BLAKE3_GROUP_BYTES);
    for (let i = 0; i < count; i++) {
      if (sameValue(this.#scratch, 32 * i, this.#values, 32 * (first + i))) continue;
      throw wrongGroup((first + i) * BLAKE3_GROUP_BYTES);
    }
  }

  #check(parent: Parent, value: Uint8Array, computed: Uint8Array): void {
    const at = parent.index * PAIR_BYTES;
    const pair = this.#tree.outboard.subarray(at, at + PAIR_BYTES);
    this.#blake3.parentInto(pair, parent.count === this.groups, computed);
    if (!sameValue(computed, 0, value, 0)) {
      throw wrongPair(parent);
    }
    const { left, right } = childrenOf(parent);
    for (const [side, child] of [left, right].entries()) {
      const expected = pair.subarray(32 * side, 32 * side + 32);
      if (child.count === 1) this.#values.set(expected, 32 * child.first);
      else this.#check(child, expected, computed);
    }
  }

  #checkRange(bytes: Uint8Array, offsetBytes: number): void {
    const end = offsetBytes + bytes.length;
    const aligned = Number.isInteger(offsetBytes) && offsetBytes >= 0 &&
      offsetBytes % BLAKE3_GROUP_BYTES === 0;
    const whole = bytes.length % BLAKE3_GROUP_BYTES === 0 || end === this.lengthBytes;
    const empty = bytes.length === 0 && this.lengthBytes > 0;
    if (aligned && whole && !empty && end <= this.lengthBytes && bytes.length <= ARENA_BYTES) {
      return;
    }
    throw new RangeError(
      `Cannot verify bytes as they must be whole groups of ${BLAKE3_GROUP_BYTES}, at most ` +
        `${ARENA_BYTES}, within ${this.lengthBytes}: current value is ${bytes.length} at ${offsetBytes}`,
    );
  }
}

/** @throws {RangeError} when a root has not 32 bytes */
export function checkRoot(root: Uint8Array): void {
  if (root.length === BLAKE3_DIGEST_BYTES) return;
  throw new RangeError(
    `Cannot use a root as it must have 32 bytes: current value has ${root.length}`,
  );
}

// tidy: allow positional-parameters as it runs for every group and pair of a content
/** Whether 32 bytes are the same. No secret is compared here. */
export function sameValue(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = 0; i < BLAKE3_DIGEST_BYTES; i++) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

/** The refusal of a pair: names the first byte of the content that it stands for. */
export function wrongPair(parent: Parent): HotError {
  return new HotError({
    code: "wrong-outboard",
    message: `Cannot use an outboard as pair ${parent.index} must lead to the root: ` +
      `it stands for groups ${parent.first} to ${parent.first + parent.count - 1}`,
    offsetBytes: parent.first * BLAKE3_GROUP_BYTES,
  });
}

/** The refusal of a group. */
export function wrongGroup(offsetBytes: number): HotError {
  return new HotError({
    code: "wrong-group",
    message: `Cannot accept bytes as the group at offset ${offsetBytes} must be what its tree says`,
    offsetBytes,
  });
}
