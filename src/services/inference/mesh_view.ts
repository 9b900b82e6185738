/**
 * What the mesh can compute: who holds which layers of which models, as the network service tells it.
 */
import type { Host } from "../../kernel/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import { type Candidate, Planner } from "../../placement/mod.ts";
import {
  createHoldingsRouter,
  type Holding,
  type Route,
  type RouteNeed,
  type Router,
} from "../../stages/mod.ts";
import { type PeerList, peersTopic } from "../network/mod.ts";

/** A model that the mesh holds. */
export interface MeshModel {
  readonly root: string;
  readonly name: string;
  readonly layerCount: number;
  readonly numericClass: string;
}

/** What this node computes of a model. */
export interface OwnShare {
  readonly root: string;
  readonly numericClass: string;
  readonly from: number;
  readonly to: number;
  readonly embedding: boolean;
  readonly head: boolean;
}

/** Layers at either end that are computed by `own` nodes only. */
const ownEdgeLayers = 1;

/** Follows the mesh. */
export class MeshView {
  readonly #host: Host;
  readonly #planner = new Planner();
  readonly #own: () => readonly OwnShare[];
  #list: PeerList | undefined;
  #waiting: (() => void)[] = [];

  /** @param own what this node computes itself */
  constructor(host: Host, own: () => readonly OwnShare[]) {
    this.#host = host;
    this.#own = own;
  }

  /** Follows the network service until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    for await (const { payload } of this.#host.bus.subscribe(peersTopic, { signal, replay: 1 })) {
      this.#list = payload as PeerList;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  /** Waits until the mesh is another one, or for so long. */
  async changed(waitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const timer = this.#host.clock.after(waitMs, resolve);
    await promise;
    timer.cancel();
  }

  /** Models of which somebody else says something, by root; the names in their order. */
  models(): readonly MeshModel[] {
    const found = new Map<string, MeshModel>();
    for (const { capabilities } of this.#peers()) {
      for (const { root, name, layerCount, numericClass } of capabilities?.models ?? []) {
        if (numericClass === undefined || found.has(root)) continue;
        found.set(root, { root, name, layerCount, numericClass });
      }
    }
    return [...found.values()].toSorted((a, b) => a.name < b.name ? -1 : 1);
  }

  /** Models all of whose layers are computed somewhere at hand. */
  runnable(): readonly MeshModel[] {
    return this.models().filter((model) => this.#plan(model, new Set()) !== undefined);
  }

  /** Layers of a model that others compute. */
  layersOf(root: string): readonly { readonly from: number; readonly to: number }[] {
    return this.#peers().flatMap(({ capabilities }) =>
      (capabilities?.models ?? []).flatMap((model) =>
        model.root === root && model.loaded !== undefined ? [model.loaded.layers] : []
      )
    );
  }

  /** Routes by what is measured; after a loss, such that as much as may be stays. */
  router(): Router {
    return {
      route: async (need) => {
        const candidates = this.#candidates(need);
        const planned = this.#plan(need, need.excluded);
        if (need.kept.length === 0 || planned === undefined) return planned;
        const usable = this.#usable(need, candidates);
        return await createHoldingsRouter(() => usable).route(need) ?? planned;
      },
    };
  }

  #plan(
    model: Pick<RouteNeed, "root" | "numericClass" | "layerCount">,
    excluded: ReadonlySet<PeerKey>,
  ): Route | undefined {
    const candidates = this.#candidates(model);
    const { layerCount } = model;
    const plan = this.#planner.plan(
      { layerCount, positions: 1, ownEdgeLayers, excluded },
      candidates,
    );
    if (plan.stages === undefined) return undefined;
    const places = plan.stages.map(({ peer, from, to, embedding, head }) => {
      return { peer, from, to, embedding, head };
    });
    const ready = new Set(
      plan.candidates.filter(({ reason }) => reason === "standby").map(({ peer }) => peer),
    );
    const standbys = candidates.filter(({ peer }) => ready.has(peer)).map(holdingOf);
    return { places, standbys };
  }

  /** What candidates may hold under the rules of placement. */
  #usable(need: RouteNeed, candidates: readonly Candidate[]): readonly Holding[] {
    const { layerCount } = need;
    return candidates.flatMap((candidate) => {
      const holding = holdingOf(candidate);
      if (!candidate.hasClass || candidate.freePositions === 0) return [];
      if (candidate.trust === "own") return [holding];
      const from = Math.max(holding.from, ownEdgeLayers);
      const to = Math.min(holding.to, layerCount - ownEdgeLayers);
      return from < to ? [{ ...holding, from, to, embedding: false, head: false }] : [];
    });
  }

  #candidates({ root, numericClass }: Pick<RouteNeed, "root" | "numericClass">): Candidate[] {
    const self = this.#host.identity.key;
    const own = this.#own().filter((share) => share.root === root).map((share): Candidate => ({
      peer: self,
      isSelf: true,
      trust: "own",
      layers: { from: share.from, to: share.to },
      embedding: share.embedding,
      head: share.head,
      hasClass: share.numericClass === numericClass,
      layerMs: undefined,
      roundTripMs: 0,
      freePositions: undefined,
      freeSlots: null,
    }));
    const others = this.#peers().flatMap(({ key, trust, roundTripMs, capabilities }) =>
      (capabilities?.models ?? []).flatMap((model): Candidate[] => {
        if (model.root !== root || model.loaded === undefined) return [];
        const { layers, embedding, head } = model.loaded;
        return [{
          peer: key,
          isSelf: false,
          trust,
          layers,
          embedding,
          head,
          hasClass: model.numericClass === numericClass,
          layerMs: model.layerMs,
          roundTripMs,
          freePositions: model.freePositions,
          freeSlots: capabilities?.freeSlots ?? null,
        }];
      })
    );
    return [...own, ...others];
  }

  #peers(): PeerList["peers"] {
    return (this.#list?.peers ?? []).filter(({ state }) => state === "linked");
  }
}

function holdingOf({ peer, layers, embedding, head }: Candidate): Holding {
  return { peer, from: layers.from, to: layers.to, embedding, head };
}
