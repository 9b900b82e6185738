/**
 * What the mesh can compute: who holds which layers of which models, as the network service tells it.
 */
import type { Host } from "../../kernel/mod.ts";
import { type ModelShare, noCapabilities } from "../../mesh/mod.ts";
import type { MeshNode } from "../../placement/mod.ts";
import type { Router } from "../../stages/mod.ts";
import { type PeerList, peersTopic } from "../network/mod.ts";
import {
  nodesOf,
  type PlacementConfig,
  RouteChooser,
  rulesDefault,
  rulesTopic,
} from "../placement/mod.ts";
import { settlingMsMax } from "./limits.ts";

/** A model that the mesh holds. */
export interface MeshModel {
  readonly root: string;
  readonly name: string;
  readonly layerCount: number;
  readonly numericClass: string;
  /** Positions that it was made for; 0 while nobody says. */
  readonly contextMax: number;
}

/** Follows the mesh. */
export class MeshView {
  readonly #host: Host;
  readonly #own: () => readonly ModelShare[];
  #rules: PlacementConfig = rulesDefault;
  #chooser = new RouteChooser(rulesDefault);
  #list: PeerList | undefined;
  #waiting: (() => void)[] = [];
  /** Until when a member that has just come is still hearing who has what. */
  #settledMs = -Infinity;

  /** @param own what this node computes itself */
  constructor(host: Host, own: () => readonly ModelShare[]) {
    this.#host = host;
    this.#own = own;
  }

  /** Follows the network service, and what may be placed where, until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#followPeers(signal), this.#followRules(signal)]);
  }

  async #followRules(signal: AbortSignal): Promise<void> {
    for await (const { payload } of this.#host.bus.subscribe(rulesTopic, { signal, replay: 1 })) {
      this.#rules = payload as PlacementConfig;
      this.#chooser = new RouteChooser(this.#rules);
    }
  }

  async #followPeers(signal: AbortSignal): Promise<void> {
    for await (const { payload } of this.#host.bus.subscribe(peersTopic, { signal, replay: 1 })) {
      const list = payload as PeerList;
      const wasMember = this.#list?.self.trust !== undefined;
      if (!wasMember && list.self.trust !== undefined) {
        this.#settledMs = this.#host.clock.monotonicMs() + settlingMsMax;
      }
      this.#list = list;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  /** For how much longer a model that nobody has may still turn up. */
  get settlingMs(): number {
    return Math.max(0, this.#settledMs - this.#host.clock.monotonicMs());
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
      for (const model of capabilities?.models ?? []) {
        const { root, name, layerCount, numericClass, contextMax = 0 } = model;
        if (numericClass === undefined || found.has(root)) continue;
        found.set(root, { root, name, layerCount, numericClass, contextMax });
      }
    }
    return [...found.values()].toSorted((a, b) => a.name < b.name ? -1 : 1);
  }

  /** Models all of whose layers are computed somewhere at hand. */
  runnable(): readonly MeshModel[] {
    const nodes = this.#nodes();
    return this.models().filter((model) =>
      this.#chooser.plan(model, { nodes }).plan.stages !== undefined
    );
  }

  /** Layers at either end with which nobody would trust this node, being a member. */
  get forbiddenEdgeLayers(): number {
    return this.#list?.self.trust === "member" ? this.#rules.ownEdgeLayers : 0;
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
    return { route: (need) => Promise.resolve(this.#chooser.route(need, this.#nodes())) };
  }

  /** What is known of everybody; of this node, what it computes at this moment. */
  #nodes(): readonly MeshNode[] {
    const own: MeshNode = {
      key: this.#host.identity.key,
      isSelf: true,
      isLinked: true,
      trust: "own",
      roundTripMs: 0,
      capabilities: { ...noCapabilities, models: [...this.#own()] },
    };
    return [own, ...this.#list === undefined ? [] : nodesOf(this.#list).slice(1)];
  }

  #peers(): PeerList["peers"] {
    return (this.#list?.peers ?? []).filter(({ state }) => state === "linked");
  }
}
