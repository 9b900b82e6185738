/**
 * Proofs about trees of RFC 6962, made and checked: that a leaf is in a tree (2.1.1; checked as in RFC
 * 9162 section 2.1.3.2), and that a tree is the beginning of a larger one (2.1.2; 2.1.4.2).
 *
 * A proof is a list of roots over ranges of leaves. It is made from the tree's edge at one size and
 * the leaves behind that, read once and in order, so that no tree has to be held in memory.
 */
import {
  emptyRoot,
  isSameBytes,
  leafHash,
  nodeHash,
  splitOf,
  TreeEdge,
  treeHashBytes,
} from "./merkle.ts";
import type { LeafRange } from "./merkle.ts";

/** Nodes of a proof, at most: sizes are below 2^53. */
export const proofNodesMax = 110;

/** A claim that a leaf is in a tree. */
export interface InclusionClaim {
  /** 32 B. */
  readonly root: Uint8Array;
  /** Leaves of the tree. */
  readonly size: number;
  /** Index of the leaf, from 0. */
  readonly at: number;
  /** The leaf, 32 B. */
  readonly leaf: Uint8Array;
  /** 32 B each, from the leaf's sibling up. */
  readonly proof: readonly Uint8Array[];
}

/** A claim that one tree is the beginning of another. */
export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly newSize: number;
  readonly newRoot: Uint8Array;
  /** 32 B each, in the order of RFC 6962. */
  readonly proof: readonly Uint8Array[];
}

/** Whether the proof shows that the leaf is in the tree. Never throws. */
export function isIncluded({ root, size, at, leaf, proof }: InclusionClaim): boolean {
  if (!isSize(size) || !isSize(at) || at >= size || leaf.length !== treeHashBytes) return false;
  if (!isProof(proof)) return false;
  let hash = leafHash(leaf);
  let [index, last] = [at, size - 1];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (index % 2 === 1 || index === last) {
      hash = nodeHash(sibling, hash);
      while (index % 2 === 0 && index !== 0) [index, last] = [index / 2, half(last)];
    } else hash = nodeHash(hash, sibling);
    [index, last] = [half(index), half(last)];
  }
  return last === 0 && isSameBytes(hash, root);
}

/** Whether the proof shows that the new tree begins with the old one. Never throws. */
export function isConsistent(claim: ConsistencyClaim): boolean {
  const { oldSize, oldRoot, newSize, newRoot, proof } = claim;
  if (!isSize(oldSize) || !isSize(newSize) || oldSize > newSize || !isProof(proof)) return false;
  if (oldSize === newSize) return proof.length === 0 && isSameBytes(oldRoot, newRoot);
  if (oldSize === 0) return proof.length === 0 && isSameBytes(oldRoot, emptyRoot());
  const isPower = splitOf(oldSize + 1) === oldSize;
  const [first, ...others] = isPower ? [oldRoot, ...proof] : proof;
  if (first === undefined) return false;
  let [index, last] = [oldSize - 1, newSize - 1];
  while (index % 2 === 1) [index, last] = [half(index), half(last)];
  let [oldHash, newHash] = [first, first];
  for (const node of others) {
    if (last === 0) return false;
    if (index % 2 === 1 || index === last) {
      oldHash = nodeHash(node, oldHash);
      newHash = nodeHash(node, newHash);
      while (index % 2 === 0 && index !== 0) [index, last] = [index / 2, half(last)];
    } else newHash = nodeHash(newHash, node);
    [index, last] = [half(index), half(last)];
  }
  return last === 0 && isSameBytes(oldHash, oldRoot) && isSameBytes(newHash, newRoot);
}

/** What the proof of a leaf at index `at` in a tree of `size` leaves is made of. */
export function inclusionRanges(at: number, size: number): LeafRange[] {
  const ranges: LeafRange[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    const isLeft = at < middle;
    ranges.push(isLeft ? { from: middle, to } : { from, to: middle });
    [from, to] = isLeft ? [from, middle] : [middle, to];
  }
  return ranges.reverse();
}

/** What the proof that a tree of `oldSize` leaves begins one of `newSize` is made of. */
export function consistencyRanges(oldSize: number, newSize: number): LeafRange[] {
  if (oldSize === 0 || oldSize === newSize) return [];
  const ranges: LeafRange[] = [];
  let [from, to] = [0, newSize];
  while (to !== oldSize) {
    const middle = from + splitOf(to - from);
    const isLeft = oldSize <= middle;
    ranges.push(isLeft ? { from: middle, to } : { from, to: middle });
    [from, to] = isLeft ? [from, middle] : [middle, to];
  }
  // What is left is a part of the old tree; when it is all of it, its root is known to the checker.
  if (from > 0) ranges.push({ from, to });
  return ranges.reverse();
}

/** What a proof is made from. */
export interface ProofParts {
  readonly ranges: readonly LeafRange[];
  /** Ranges that end here are complete trees of the edge at this size; others begin behind it. */
  readonly boundary: number;
  /** The tree at the boundary, or before it. */
  readonly edge: TreeEdge;
}

/** Gathers the nodes of a proof while the leaves behind an edge go by. */
export class ProofMaker {
  readonly #parts: ProofParts;
  readonly #edge: TreeEdge;
  readonly #nodes = new Map<LeafRange, Uint8Array>();
  readonly #ahead: LeafRange[];
  #run = new TreeEdge();
  #at: number;

  /** @throws {RangeError} when the edge is behind the boundary */
  constructor(parts: ProofParts) {
    if (parts.edge.size > parts.boundary) {
      throw new RangeError(
        `Cannot make a proof as the edge must not be behind ${parts.boundary}: current value is ${parts.edge.size}`,
      );
    }
    this.#parts = parts;
    this.#edge = parts.edge.copy();
    this.#at = parts.edge.size;
    const { ranges, boundary } = parts;
    this.#ahead = ranges.filter(({ from }) => from >= boundary).sort((a, b) => a.from - b.from);
    if (this.#at === boundary) this.#takeEdge();
  }

  /** Takes the next leaf, 32 B. */
  push(leaf: Uint8Array): void {
    const at = this.#at++;
    if (at < this.#parts.boundary) {
      this.#edge.append(leaf);
      if (this.#at === this.#parts.boundary) this.#takeEdge();
      return;
    }
    const range = this.#ahead[0];
    if (range === undefined || at < range.from) return;
    this.#run.append(leaf);
    if (this.#at < range.to) return;
    this.#nodes.set(range, this.#run.root());
    this.#run = new TreeEdge();
    this.#ahead.shift();
  }

  /** The proof; undefined when leaves are missing. */
  proof(): Uint8Array[] | undefined {
    const nodes = this.#parts.ranges.map((range) => this.#nodes.get(range));
    return nodes.every((node) => node !== undefined) ? nodes : undefined;
  }

  #takeEdge(): void {
    for (const range of this.#parts.ranges) {
      const peak = range.to <= this.#parts.boundary ? this.#edge.peakOver(range) : undefined;
      if (peak !== undefined) this.#nodes.set(range, peak);
    }
  }
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isProof(proof: readonly Uint8Array[]): boolean {
  return proof.length <= proofNodesMax && proof.every(({ length }) => length === treeHashBytes);
}

function half(value: number): number {
  return Math.floor(value / 2);
}
