/** A node that may compute layers of one model, as the one who plans sees it. */
import type { PeerKey } from "../ports/mod.ts";

/** A node and what it brings. */
export interface Candidate {
  readonly peer: PeerKey;
  /** Whether it is the node that plans. */
  readonly isSelf: boolean;
  /** Whether work can be sent to it now: a live, verified link leads there. */
  readonly isReachable: boolean;
  /** What its owner is to this node's: who is `own` may read prompts. */
  readonly trust: "own" | "member";
  /** Layers that it computes right now, `from` to before `to`. */
  readonly layers: { readonly from: number; readonly to: number };
  readonly embedding: boolean;
  readonly head: boolean;
  /** Whether it computes in the class that is asked for. */
  readonly hasClass: boolean;
  /** Measured time of one layer for one position, ms; undefined before the first measurement. */
  readonly layerMs: number | undefined;
  /** Measured way there and back, ms; 0 for this node. */
  readonly roundTripMs: number | undefined;
  /** Positions for whose keys and values it has room; undefined when it has not said. */
  readonly freePositions: number | undefined;
  /** Requests that it would take now; null for any number. */
  readonly freeSlots: number | null;
}

/** What is planned for. */
export interface PlanNeed {
  readonly layerCount: number;
  /** Positions that the request may come to. */
  readonly positions: number;
  /** Layers at either end that only `own` nodes may compute. */
  readonly ownEdgeLayers: number;
  /** Who must have no place. */
  readonly excluded: ReadonlySet<PeerKey>;
}
