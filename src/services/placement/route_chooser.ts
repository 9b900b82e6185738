/**
 * Chooses routes: for a model that nobody runs yet the cheapest, and for one that has lost a stage such
 * a one that as much as may be stays, as whatever is new has to be rebuilt.
 */
import { candidatesOf, Planner } from "../../placement/mod.ts";
import type {
  Candidate,
  MeshNode,
  PlacedModel,
  PlacementRules,
  Plan,
} from "../../placement/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import type { Place, Route, RouteNeed } from "../../stages/mod.ts";

/** Routes by measurement, memory and trust. */
export class RouteChooser {
  readonly #rules: PlacementRules;
  readonly #planner = new Planner();

  constructor(rules: PlacementRules) {
    this.#rules = rules;
  }

  /** What would be chosen now, for one who has no route yet. */
  plan(
    model: Omit<PlacedModel, "name">,
    about: { readonly nodes: readonly MeshNode[]; readonly excluded?: ReadonlySet<PeerKey> },
  ): { readonly plan: Plan; readonly candidates: readonly Candidate[] } {
    const { nodes, excluded = new Set() } = about;
    const candidates = candidatesOf(nodes, { model, rules: this.#rules });
    return { plan: this.#plan(model.layerCount, { candidates, excluded }), candidates };
  }

  /** The best route that there is now; undefined when no way leads through all layers. */
  route(need: RouteNeed, nodes: readonly MeshNode[]): Route | undefined {
    const { kept, standbys, excluded, layerCount } = need;
    const all = candidatesOf(nodes, { model: need, rules: this.#rules });
    const tries: (readonly Candidate[])[] = [all];
    if (kept.length > 0) {
      const held = all.map((one) => keptCandidate(one, kept));
      // First who is prepared, then anybody, and anew only if neither can.
      tries.unshift(held);
      if (standbys.length > 0) tries.unshift(held.filter(isOneOf([...kept, ...standbys])));
    }
    for (const candidates of tries) {
      const plan = this.#plan(layerCount, { candidates, excluded });
      if (plan.stages === undefined) continue;
      const places = plan.stages.map(({ peer, from, to, embedding, head }) => {
        return { peer, from, to, embedding, head };
      });
      const taken = new Set(places.map(({ peer }) => peer));
      const isFree = ({ peer }: Candidate): boolean => !taken.has(peer) && !excluded.has(peer);
      return { places, standbys: this.#standbys(all.filter(isFree), { places, layerCount }) };
    }
    return undefined;
  }

  #plan(
    layerCount: number,
    about: {
      readonly candidates: readonly Candidate[];
      readonly excluded?: ReadonlySet<PeerKey>;
    },
  ): Plan {
    const { candidates, excluded = new Set() } = about;
    const { ownEdgeLayers, roomPositions: positions } = this.#rules;
    return this.#planner.plan({ layerCount, positions, ownEdgeLayers, excluded }, candidates);
  }

  /** Who could take over a whole place, by itself and by the rules; the cheapest first. */
  #standbys(
    candidates: readonly Candidate[],
    { places, layerCount }: { readonly places: readonly Place[]; readonly layerCount: number },
  ): readonly Place[] {
    const { ownEdgeLayers, roomPositions } = this.#rules;
    return candidates
      .filter((one) =>
        one.isReachable && one.hasClass && one.freeSlots !== 0 &&
        (one.freePositions ?? Infinity) >= roomPositions
      )
      .toSorted((a, b) => priceOf(a) - priceOf(b))
      .map(({ peer, layers, trust, embedding, head }): Place => {
        const edge = trust === "own" ? 0 : ownEdgeLayers;
        const from = Math.max(layers.from, edge);
        const to = Math.min(layers.to, layerCount - edge);
        return {
          peer,
          from,
          to,
          embedding: embedding && from === 0,
          head: head && to === layerCount,
        };
      })
      .filter((one) => places.some(({ from, to }) => one.from <= from && to <= one.to));
  }
}

/** Of a node that has a place: that place and nothing else, for nothing, and with room for sure. */
function keptCandidate(one: Candidate, kept: readonly Place[]): Candidate {
  const place = kept.find(({ peer }) => peer === one.peer);
  if (place === undefined) return one;
  const { from, to, embedding, head } = place;
  return {
    ...one,
    layers: { from, to },
    // An end that this node sees to itself it sees to further on.
    embedding: one.isSelf ? one.embedding : embedding,
    head: one.isSelf ? one.head : head,
    ...{ layerMs: 0, roundTripMs: 0, freePositions: undefined, freeSlots: null },
  };
}

function isOneOf(places: readonly Place[]): (one: Candidate) => boolean {
  const peers = new Set(places.map(({ peer }) => peer));
  return ({ peer, isSelf }) => isSelf || peers.has(peer);
}

function priceOf({ layerMs = Infinity, roundTripMs = Infinity }: Candidate): number {
  return layerMs === Infinity && roundTripMs === Infinity ? Infinity : layerMs + roundTripMs / 2;
}
