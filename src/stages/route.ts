/**
 * Who computes which layers, and who decides that.
 *
 * A router is asked once for a pipeline and again whenever a stage is lost. What it weighs is its own
 * business (measured compute, hops, memory, trust); the pipeline keeps the stages that it keeps, and
 * rebuilds the others.
 */
import type { PeerKey } from "../ports/mod.ts";

/** A part of a model at a peer; this node's own key stands for its own executor. */
export interface Place {
  readonly peer: PeerKey;
  /** First layer. */
  readonly from: number;
  /** The layer after the last. */
  readonly to: number;
  /** Whether it embeds the tokens; of the first place only. */
  readonly embedding: boolean;
  /** Whether it computes the logits; of the last place only. */
  readonly head: boolean;
}

/** What is asked for. */
export interface RouteNeed {
  /** BLAKE3 root of the model, 64 hexadecimal digits. */
  readonly root: string;
  readonly numericClass: string;
  readonly layerCount: number;
  /** Places that are still good, of the route that is in use; keeping them saves a replay. */
  readonly kept: readonly Place[];
  /** Standbys of the route that is in use, who come first. */
  readonly standbys: readonly Place[];
  /** Who must have no place: lost a moment ago, or refusing. */
  readonly excluded: ReadonlySet<PeerKey>;
}

/** An answer. */
export interface Route {
  /** All layers in their order. */
  readonly places: readonly Place[];
  /** Who could take a place over, the best first. */
  readonly standbys: readonly Place[];
}

/** Decides. */
export interface Router {
  /** The best route that there is now; undefined when the layers are not all held by peers at hand. */
  route(need: RouteNeed): Promise<Route | undefined>;
}

/** What a peer holds of the model that is asked for. */
export interface Holding {
  readonly peer: PeerKey;
  readonly from: number;
  readonly to: number;
  readonly embedding: boolean;
  readonly head: boolean;
}

/**
 * A router without measurements: the fewest stages, places that are kept and standbys before others,
 * whole holdings only where that is as good. Where nobody at hand holds embedding or head with its
 * layers, this node's own must do.
 *
 * @param holdings asked for at every route, so that it sees who is there
 */
export function createHoldingsRouter(
  holdings: (need: RouteNeed) => readonly Holding[],
): Router {
  return { route: (need) => Promise.resolve(fewestStages(need, holdings(need))) };
}

/** The cheapest way from layer 0 to the end, by layers. */
function fewestStages(need: RouteNeed, holdings: readonly Holding[]): Route | undefined {
  const { layerCount, excluded } = need;
  const usable = holdings.filter(({ peer }) => !excluded.has(peer));
  const best: (Way | undefined)[] = [{ cost: 0, places: [] }];
  for (let from = 0; from < layerCount; from++) {
    const way = best[from];
    if (way === undefined) continue;
    for (const place of usable.flatMap((holding) => placesOf(holding, { from, layerCount }))) {
      if (way.places.some(({ peer }) => peer === place.peer)) continue;
      const cost = way.cost + costOf(need, place);
      if (cost >= (best[place.to]?.cost ?? Infinity)) continue;
      best[place.to] = { cost, places: [...way.places, place] };
    }
  }
  const places = best[layerCount]?.places;
  if (places === undefined) return undefined;
  const standbys = usable.filter(({ peer }) => !places.some((place) => place.peer === peer));
  return { places, standbys };
}

interface Way {
  readonly cost: number;
  readonly places: readonly Place[];
}

function placesOf(
  { peer, from: first, to: end, embedding, head }: Holding,
  { from, layerCount }: { readonly from: number; readonly layerCount: number },
): Place[] {
  if (from < first || from >= end) return [];
  return Array.from({ length: end - from }, (_, i) => {
    const to = from + i + 1;
    return { peer, from, to, embedding: embedding && from === 0, head: head && to === layerCount };
  });
}

/** A stage costs 1; one that needs no replay, or that is prepared, a little less: the first the least. */
function costOf({ kept, standbys }: RouteNeed, place: Place): number {
  if (kept.some((one) => samePlace(one, place))) return 0.9;
  const turn = standbys.findIndex(({ peer }) => peer === place.peer);
  return turn < 0 ? 1 : 0.99 - 0.01 / (turn + 1);
}

/** Whether two places are the same part at the same peer. */
export function samePlace(one: Place, other: Place): boolean {
  return one.peer === other.peer && one.from === other.from && one.to === other.to &&
    one.embedding === other.embedding && one.head === other.head;
}
