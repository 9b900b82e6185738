/**
 * The nodes of a mesh as candidates for the layers of one model: what each says of itself, and what
 * the rules let it do.
 */
import type { Capabilities } from "../mesh/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import type { Candidate } from "./candidate.ts";

/** A node of the mesh, this one included, as this one sees it. */
export interface MeshNode {
  readonly key: PeerKey;
  readonly isSelf: boolean;
  /** Whether a live, verified link leads to it; true for this node. */
  readonly isLinked: boolean;
  readonly trust: "own" | "member";
  readonly roundTripMs: number | undefined;
  /** What it says of itself; null before it has. */
  readonly capabilities: Capabilities | null;
}

/** What is decided by configuration. */
export interface PlacementRules {
  /** Layers at either end that only `own` nodes may compute. */
  readonly ownEdgeLayers: number;
  /** Whether only `own` nodes may embed tokens and compute logits. */
  readonly ownEnds: boolean;
  /** Positions that a node must have room for to be given layers. */
  readonly roomPositions: number;
}

/** A model that layers are placed of. */
export interface PlacedModel {
  /** BLAKE3 root, 64 hexadecimal digits. */
  readonly root: string;
  readonly name: string;
  readonly layerCount: number;
  readonly numericClass: string;
}

/** Every node as a candidate; those that compute nothing of the model too, with no layers. */
export function candidatesOf(
  nodes: readonly MeshNode[],
  { model, rules }: {
    readonly model: Pick<PlacedModel, "root" | "numericClass">;
    readonly rules: Pick<PlacementRules, "ownEnds">;
  },
): readonly Candidate[] {
  return nodes.map((node) => {
    const { key, isSelf, isLinked, roundTripMs, capabilities } = node;
    const trust = isSelf ? "own" : node.trust;
    const share = capabilities?.models.find(({ root }) => root === model.root);
    const mayEnd = trust === "own" || !rules.ownEnds;
    const loaded = share?.loaded;
    return {
      peer: key,
      isSelf,
      isReachable: isSelf || isLinked,
      trust,
      layers: loaded?.layers ?? { from: 0, to: 0 },
      embedding: mayEnd && loaded?.embedding === true,
      head: mayEnd && loaded?.head === true,
      hasClass: share?.numericClass === model.numericClass,
      layerMs: share?.layerMs,
      roundTripMs: isSelf ? 0 : roundTripMs,
      freePositions: share?.freePositions,
      freeSlots: isSelf ? null : capabilities?.freeSlots ?? null,
    };
  });
}

/** Models that somebody at hand computes layers of, by name; of one root, what this node says first. */
export function modelsOf(nodes: readonly MeshNode[]): readonly PlacedModel[] {
  const found = new Map<string, PlacedModel>();
  for (const { capabilities, isSelf, isLinked } of nodes.toSorted(selfFirst)) {
    if (!isSelf && !isLinked) continue;
    for (const { root, name, layerCount, numericClass, loaded } of capabilities?.models ?? []) {
      if (loaded === undefined || numericClass === undefined || found.has(root)) continue;
      found.set(root, { root, name, layerCount, numericClass });
    }
  }
  return [...found.values()].toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

function selfFirst(one: MeshNode, other: MeshNode): number {
  return Number(other.isSelf) - Number(one.isSelf);
}
