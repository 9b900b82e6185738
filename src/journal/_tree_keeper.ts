/**
 * The tree over the journal's events while it is open: its edge, and the latest leaves, from which
 * proofs for those who ask often are made without reading a file.
 */
import { TreeEdge } from "./merkle.ts";
import { ProofMaker } from "./tree_proofs.ts";
import type { ProofParts } from "./tree_proofs.ts";

/** Leaves after which a new run begins with the next commit, and how many runs are kept. */
const RUN_LEAVES = 64;
const RUNS_MAX = 64;

interface Run {
  /** The tree before the first of the leaves. */
  readonly edge: TreeEdge;
  readonly leaves: Uint8Array[];
}

/** The tree and its latest leaves: a few thousand, as commits are bounded. */
export class TreeKeeper {
  #edge: TreeEdge;
  #runs: Run[];

  constructor(edge: TreeEdge) {
    this.#edge = edge.copy();
    this.#runs = [{ edge: edge.copy(), leaves: [] }];
  }

  /** The tree over all that was taken; not to be changed. */
  get edge(): TreeEdge {
    return this.#edge;
  }

  /** Takes the leaves of a commit, and the tree that came of them, which is the keeper's from now on. */
  take(leaves: readonly Uint8Array[], edge: TreeEdge): void {
    let run = this.#runs.at(-1);
    if (run === undefined || run.leaves.length >= RUN_LEAVES) {
      run = { edge: this.#edge, leaves: [] };
      this.#runs = [...this.#runs, run].slice(-RUNS_MAX);
    }
    run.leaves.push(...leaves);
    this.#edge = edge;
  }

  /** A proof from the latest leaves; undefined when it takes older ones. */
  tryProve({ ranges, boundary, size }: Omit<ProofParts, "edge"> & { readonly size: number }):
    | Uint8Array[]
    | undefined {
    const first = this.#runs.findLastIndex(({ edge }) => edge.size <= boundary);
    const start = this.#runs[first];
    if (start === undefined || size > this.#edge.size) return undefined;
    const maker = new ProofMaker({ ranges, boundary, edge: start.edge });
    let at = start.edge.size;
    for (const { leaves } of this.#runs.slice(first)) {
      for (const leaf of leaves) if (at++ < size) maker.push(leaf);
    }
    return maker.proof();
  }
}
