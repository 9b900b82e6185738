/**
 * The Merkle tree of RFC 6962 section 2.1 (SHA-256, a zero byte before a leaf, a one byte before an
 * inner node, nothing duplicated), growing by leaves and cut back: one leaf is the BLAKE3 digest of
 * what a stage was given, or gave, for one position.
 *
 * Nodes over complete runs of leaves are kept, so that a root costs few hashes however many leaves
 * there are. They are made for many leaves at once: one hash alone, after other work, costs 20 times as
 * much as one of many.
 */
import {
  isIncluded,
  leafHash,
  nodeHash,
  splitOf,
  TreeEdge,
  treeHashBytes,
} from "../journal/mod.ts";

/** Bytes of a leaf, a node and a root. */
export const leafBytes: number = treeHashBytes;

const emptyRoot = new TreeEdge().root();

/** Leaves of one tree at most: positions are below 2^24. */
const leavesMax = 2 ** 24;

/** Leaves that are without nodes at most. */
const bareLeavesMax = 64;

/** The tree. Not thread-safe; a stage has two for each session. */
export class LeafTree {
  /** `#levels[k]` holds the nodes over complete runs of 2^k leaves, 32 B each. */
  readonly #levels: GrowingBytes[] = [];
  readonly #leaves = new GrowingBytes();
  #count = 0;
  /** Of them, the first ones, those that have nodes. */
  #noded = 0;

  /** How many leaves there are. */
  get count(): number {
    return this.#count;
  }

  /**
   * Appends leaves.
   *
   * @param digests 32 B each
   * @throws {RangeError} when that is no whole number of leaves, or there would be too many
   */
  append(digests: Uint8Array): void {
    const added = digests.length / leafBytes;
    if (!Number.isInteger(added) || this.#count + added > leavesMax) {
      throw new RangeError(
        `Cannot append leaves as they must have ${leafBytes} bytes each and be at most ` +
          `${leavesMax}: current value is ${digests.length} bytes after ${this.#count} leaves`,
      );
    }
    for (let i = 0; i < added; i++) {
      this.#leaves.push(digests.subarray(i * leafBytes, (i + 1) * leafBytes));
    }
    this.#count += added;
    if (this.#count - this.#noded >= bareLeavesMax) this.#makeNodes();
  }

  /** Forgets leaves from `count` on. @throws {RangeError} when there are fewer */
  truncate(count: number): void {
    if (!Number.isInteger(count) || count < 0 || count > this.#count) {
      throw new RangeError(
        `Cannot cut a tree of ${this.#count} leaves back: current value is ${count}`,
      );
    }
    this.#count = count;
    this.#noded = Math.min(this.#noded, count);
    this.#leaves.cut(count * leafBytes);
    for (const [k, nodes] of this.#levels.entries()) {
      nodes.cut(Math.floor(count / 2 ** k) * leafBytes);
    }
  }

  /** The leaf of index `at`. @throws {RangeError} when there is none */
  leaf(at: number): Uint8Array {
    this.#check(at);
    return this.#leaves.at(at).slice();
  }

  /** The first `count` leaves, or all, 32 B each. */
  leaves(count = this.#count): Uint8Array {
    return this.#leaves.all().subarray(0, count * leafBytes);
  }

  /**
   * The root over the first `count` leaves, or all; of no leaves, SHA-256 of nothing.
   *
   * @throws {RangeError} when there are fewer
   */
  root(count = this.#count): Uint8Array {
    if (count === 0) return emptyRoot;
    this.#check(count - 1);
    this.#makeNodes();
    return this.#hash(0, count);
  }

  /**
   * The audit path of a leaf in the tree of the first `count` leaves (section 2.1.1), from its sibling
   * up: 32 B each.
   *
   * @throws {RangeError} when there is no such leaf
   */
  path(at: number, count = this.#count): Uint8Array {
    this.#check(count - 1);
    this.#check(at);
    this.#makeNodes();
    const path: Uint8Array[] = [];
    let [from, to] = [0, count];
    while (to - from > 1) {
      const middle = from + splitOf(to - from);
      const isLeft = at < middle;
      path.push(isLeft ? this.#hash(middle, to) : this.#hash(from, middle));
      [from, to] = isLeft ? [from, middle] : [middle, to];
    }
    return joined(path.reverse());
  }

  #makeNodes(): void {
    while (this.#noded < this.#count) this.#addNodes(this.#noded++);
  }

  /** Adds the nodes over runs of leaves that end with the leaf `index`. */
  #addNodes(index: number): void {
    let node = leafHash(this.#leaves.at(index));
    for (let k = 0;; k++) {
      const nodes = this.#levels[k] ??= new GrowingBytes();
      nodes.push(node);
      if (index % 2 === 0) return;
      node = nodeHash(nodes.at(index - 1), node);
      index = (index - 1) / 2;
    }
  }

  /** The hash over leaves `from` to `to`, which are a run that the tree's shape has. */
  #hash(from: number, to: number): Uint8Array {
    const size = to - from;
    const k = Math.log2(size);
    // A run of a power of two begins at a multiple of it.
    if (Number.isInteger(k)) return this.#levels[k]?.at(from / size).slice() ?? emptyRoot;
    const middle = from + splitOf(size);
    return nodeHash(this.#hash(from, middle), this.#hash(middle, to));
  }

  #check(at: number): void {
    if (Number.isInteger(at) && at >= 0 && at < this.#count) return;
    throw new RangeError(
      `Cannot find a leaf as its index must be below ${this.#count}: current value is ${at}`,
    );
  }
}

/** What shows that a leaf is in a tree. */
export interface LeafProof {
  /** 32 B. */
  readonly root: Uint8Array;
  /** Leaves of the tree. */
  readonly count: number;
  /** Index of the leaf. */
  readonly at: number;
  /** The leaf, 32 B. */
  readonly leaf: Uint8Array;
  /** As `LeafTree.path` gives it. */
  readonly path: Uint8Array;
}

/** Whether the leaf is at its index in a tree of that root and size (RFC 9162 section 2.1.3.2). */
export function isInTree({ root, count, at, leaf, path }: LeafProof): boolean {
  if (path.length % leafBytes !== 0) return false;
  const proof = Array.from(
    { length: path.length / leafBytes },
    (_, i) => path.subarray(i * leafBytes, (i + 1) * leafBytes),
  );
  return isIncluded({ root, size: count, at, leaf, proof });
}

/** Bytes at the end of which pieces of 32 are added and cut off. */
class GrowingBytes {
  #bytes = new Uint8Array(8 * leafBytes);
  #length = 0;

  push(piece: Uint8Array): void {
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(2 * this.#bytes.length);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#length);
    this.#length += leafBytes;
  }

  cut(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  at(index: number): Uint8Array {
    return this.#bytes.subarray(index * leafBytes, (index + 1) * leafBytes);
  }

  all(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.length * leafBytes);
  parts.forEach((part, i) => all.set(part, i * leafBytes));
  return all;
}
