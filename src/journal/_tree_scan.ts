/** The tree over lines that are read in order, from the first snapshot among them. */
import { digestSigned } from "./event.ts";
import type { ParsedLine } from "./event.ts";
import { isSameBytes, TreeEdge } from "./merkle.ts";
import { snapshotIn } from "./_snapshot.ts";

/** Takes the lines of one author, one after the other. */
export class TreeScan {
  #edge: TreeEdge | undefined;
  #lastHash: Uint8Array = new Uint8Array(0);
  #uncovered = 0;

  /** The tree over all events up to the last one; undefined while no snapshot has told of it. */
  get edge(): TreeEdge | undefined {
    return this.#edge;
  }

  /** Hash of the last line's signed bytes, 32 B; empty before the first. */
  get lastHash(): Uint8Array {
    return this.#lastHash;
  }

  /** Events behind the last snapshot. */
  get uncovered(): number {
    return this.#uncovered;
  }

  /** Takes the next line; false when it tells of another tree than that over those before it. */
  take({ event, signed }: ParsedLine): boolean {
    const told = snapshotIn(event);
    this.#edge ??= event.seq === 1 ? new TreeEdge() : told === "bad" ? undefined : told;
    const isRight = told === undefined || (told !== "bad" && this.#agrees(told));
    // What follows is held against what was said last, so that one wrong line is told of once.
    if (!isRight && told !== "bad") this.#edge = told;
    this.#uncovered = told === undefined ? this.#uncovered + 1 : 0;
    this.#lastHash = digestSigned(signed);
    this.#edge?.append(this.#lastHash);
    return isRight;
  }

  #agrees(told: TreeEdge): boolean {
    const edge = this.#edge;
    return edge !== undefined && edge.size === told.size && isSameBytes(edge.root(), told.root());
  }
}
