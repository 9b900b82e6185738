/**
 * The Merkle tree of RFC 6962 section 2.1 (SHA-256, a zero byte before a leaf, a one byte before an
 * inner node, nothing duplicated): its hashes, and its right edge, which is all that growing takes.
 */
import { createHash } from "node:crypto";

/** Bytes of a leaf, a node and a root. */
export const treeHashBytes = 32;

const leafPrefix = Uint8Array.of(0);
const nodePrefix = Uint8Array.of(1);

/** The hash of a leaf of 32 B. */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return sha256(leafPrefix, leaf);
}

/** The hash of an inner node. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(nodePrefix, left, right);
}

/** The root over no leaves: SHA-256 of nothing. */
export function emptyRoot(): Uint8Array {
  return sha256();
}

/** The largest power of two below `size`, which is at least 2: where a tree divides. */
export function splitOf(size: number): number {
  let split = 1;
  while (2 * split < size) split *= 2;
  return split;
}

/** Whether two byte strings are the same. Not for secrets. */
export function isSameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** How many complete trees make up one of `size` leaves: the ones of its binary number. */
export function peakCountOf(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/**
 * The right edge of a tree: the roots of the complete trees that it is made of ("peaks"), the largest
 * first. They are log2(size) at most, and enough to append leaves and to tell the root.
 */
export class TreeEdge {
  #size: number;
  readonly #peaks: Uint8Array[];

  /**
   * @param state the tree to go on from; without it, one of no leaves
   * @throws {RangeError} when the peaks are not as many as a tree of that size has, of 32 B each
   */
  constructor(
    state: { readonly size: number; readonly peaks: readonly Uint8Array[] } = {
      size: 0,
      peaks: [],
    },
  ) {
    const { size, peaks } = state;
    const fits = Number.isSafeInteger(size) && size >= 0 && peaks.length === peakCountOf(size) &&
      peaks.every(({ length }) => length === treeHashBytes);
    if (!fits) {
      throw new RangeError(
        `Cannot go on with a tree as its peaks must fit its size: current value is ${peaks.length} peaks of ${size} leaves`,
      );
    }
    this.#size = size;
    this.#peaks = [...peaks];
  }

  /** How many leaves there are. */
  get size(): number {
    return this.#size;
  }

  /** The roots of its complete trees, the largest first. */
  get peaks(): readonly Uint8Array[] {
    return this.#peaks;
  }

  /** Appends a leaf of 32 B. */
  append(leaf: Uint8Array): void {
    let node = leafHash(leaf);
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      node = nodeHash(this.#peaks.pop() ?? node, node);
    }
    this.#peaks.push(node);
    this.#size++;
  }

  /** The root, 32 B. */
  root(): Uint8Array {
    let root: Uint8Array | undefined;
    for (const peak of this.#peaks.toReversed()) {
      root = root === undefined ? peak : nodeHash(peak, root);
    }
    return root ?? emptyRoot();
  }

  /** A tree of its own with the same leaves. */
  copy(): TreeEdge {
    return new TreeEdge({ size: this.#size, peaks: this.#peaks });
  }

  /** The root over the leaves `from` to `to`, when that is one of the complete trees. */
  peakOver({ from, to }: LeafRange): Uint8Array | undefined {
    let at = 0;
    let rest = this.#size;
    for (const peak of this.#peaks) {
      const width = rest === 1 ? 1 : powerIn(rest);
      if (at === from && at + width === to) return peak;
      at += width;
      rest -= width;
    }
    return undefined;
  }
}

/** Leaves from an index to another, which is not included. */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/** The largest power of two that is not above `size`, which is at least 1. */
function powerIn(size: number): number {
  return splitOf(size + 1);
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
