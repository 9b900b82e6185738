/** What a pipeline tells of itself, for metrics and the mesh's events. */
import type { PeerKey } from "../ports/mod.ts";
import type { Place } from "./route.ts";

/** Something happened to a pipeline. */
export type PipelineEvent =
  /** A route was taken, the first or another. */
  | { readonly kind: "route"; readonly root: string; readonly places: readonly Place[] }
  /** A stage died, stalled, left or refused. */
  | {
    readonly kind: "stage-lost";
    readonly root: string;
    readonly place: Place;
    readonly why: string;
  }
  /** Others have its layers now. */
  | {
    readonly kind: "stage-replaced";
    readonly root: string;
    readonly lost: readonly Place[];
    readonly taken: readonly Place[];
    /** From the loss until the new route was known. */
    readonly ms: number;
  }
  /** Positions were computed again for a stage that did not hold them. */
  | {
    readonly kind: "replayed";
    readonly root: string;
    readonly session: string;
    readonly positions: number;
    /** Of rows between stages. */
    readonly bytes: number;
    readonly ms: number;
  }
  /** A peer sent something that it must not. */
  | { readonly kind: "bad-frame"; readonly peer: PeerKey; readonly why: string };
