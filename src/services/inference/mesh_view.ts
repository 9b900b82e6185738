/**
 * What the mesh can compute: who holds which layers of which models, as the network service tells it.
 */
import type { Host } from "../../kernel/mod.ts";
import { noCapabilities } from "../../mesh/mod.ts";
import type { ModelShare } from "../../mesh/mod.ts";
import { gapOf } from "../../placement/mod.ts";
import type { MeshNode } from "../../placement/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import type { Router } from "../../stages/mod.ts";
import { eventsTopic, peersTopic } from "../network/mod.ts";
import type { NetworkEvent, PeerList, PeerView } from "../network/mod.ts";
import { nodesOf, RouteChooser, rulesDefault, rulesTopic } from "../placement/mod.ts";
import type { PlacementConfig } from "../placement/mod.ts";
import { HolderMemory, isLoading, memberName } from "./holder_memory.ts";
import { layerGapOf } from "./layer_gap.ts";
import type { LayerGap } from "./layer_gap.ts";
import { gapGraceMs, settlingMsMax } from "./limits.ts";
import { MeshRouter } from "./mesh_router.ts";
import { meshStateOf } from "./ready_call.ts";

/** A model that the mesh holds. */
export interface MeshModel {
  readonly root: string;
  readonly name: string;
  readonly layerCount: number;
  readonly numericClass: string;
  /** Positions that it was made for; 0 while nobody says. */
  readonly contextMax: number;
}

/** Members that may yet say that they have a model. */
export interface AwaitedMembers {
  /** Who is not linked. */
  readonly away: readonly PeerView[];
  /** Who is, and has not said yet what it computes: it is reading its model. */
  readonly silent: readonly PeerView[];
}

/** Follows the mesh. */
export class MeshView {
  readonly #host: Host;
  readonly #own: () => readonly ModelShare[];
  #rules: PlacementConfig = rulesDefault;
  #chooser = new RouteChooser(rulesDefault);
  #list: PeerList | undefined;
  readonly #memory = new HolderMemory();
  /** Why no other node can be of use; undefined while this one is in a mesh. */
  #outside: string | undefined;
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
    await Promise.all([
      this.#followPeers(signal),
      this.#followRules(signal),
      this.#followEvents(signal),
    ]);
  }

  async #followRules(signal: AbortSignal): Promise<void> {
    for await (const { payload } of this.#host.bus.subscribe(rulesTopic, { signal, replay: 1 })) {
      this.#rules = payload as PlacementConfig;
      this.#chooser = new RouteChooser(this.#rules);
    }
  }

  /** Members that are put out of the mesh: nobody waits for them. */
  async #followEvents(signal: AbortSignal): Promise<void> {
    for await (const { payload } of this.#host.bus.subscribe(eventsTopic, { signal })) {
      const { kind, key } = payload as NetworkEvent;
      if (kind === "removed" && key !== undefined) this.#memory.forget(key);
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
      const { clock } = this.#host;
      this.#memory.note(list, { nowMs: clock.monotonicMs(), unixMs: clock.nowMs() });
      this.#outside = list.self.trust === undefined ? await this.#whyOutside() : undefined;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  async #whyOutside(): Promise<string | undefined> {
    const state = await meshStateOf(this.#host);
    if (state !== "none" && state !== "removed") return undefined;
    const why = state === "none" ? "is in no mesh" : "was removed from its mesh";
    return `this node ${why} ("skep join TICKET" takes it into one)`;
  }

  /** For how much longer a model that nobody has may still turn up. */
  get settlingMs(): number {
    return Math.max(0, this.#settledMs - this.#host.clock.monotonicMs());
  }

  /** Whether a model that nobody has may still turn up: not once all members have said what they have. */
  async isSettling(): Promise<boolean> {
    if (this.settlingMs === 0) return false;
    const { away, silent } = await this.awaited();
    return away.length + silent.length > 0;
  }

  /** Members that may yet say that they have a model; without the network service nobody. */
  async awaited(): Promise<AwaitedMembers> {
    const { call, signal } = this.#host;
    const list = await call("network", "peers.list", { all: true }, signal)
      .catch(() => this.#list) as PeerList | undefined;
    const peers = list?.peers ?? [];
    const unixMs = this.#host.clock.nowMs();
    return {
      away: peers.filter(({ state }) => state !== "linked"),
      silent: peers.filter((peer) => isLoading(peer, unixMs)),
    };
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

  /** Models that linked members have, those that are computed first, whether or not anybody does. */
  offered(): readonly { readonly root: string; readonly name: string }[] {
    const held = this.#peers().flatMap(({ capabilities }) => capabilities?.models ?? []);
    return [...this.models(), ...held.toSorted((a, b) => a.name < b.name ? -1 : 1)];
  }

  /** Models all of whose layers are computed somewhere at hand. */
  runnable(): readonly MeshModel[] {
    const nodes = this.#nodes();
    return this.models().filter((model) =>
      this.#chooser.plan(model, { nodes }).plan.stages !== undefined
    );
  }

  /** What stands between a model and its answer; undefined where nothing does. */
  gapOf(
    model: Omit<MeshModel, "name" | "contextMax">,
    excluded: ReadonlySet<PeerKey> = new Set(),
  ): LayerGap | undefined {
    const { plan, candidates } = this.#chooser.plan(model, { nodes: this.#nodes(), excluded });
    const gap = gapOf(plan, candidates);
    if (gap === undefined) return undefined;
    const { identity: { key: self }, clock } = this.#host;
    const unixMs = clock.nowMs();
    return layerGapOf({
      model: this.#nameOf(model.root),
      gap,
      holders: this.#memory.holdersOf(model.root),
      outside: this.#outside,
      awaited: (this.#list?.peers ?? []).flatMap((peer) => awaitedWords(peer, unixMs)),
      nameOf: (peer) => peer === self ? "this node" : this.#shownName(peer),
      nowMs: clock.monotonicMs(),
    });
  }

  /**
   * The sentence of a gap that nobody is going to fill; what members say takes a moment to arrive.
   *
   * @returns undefined where there is no gap, or one to wait for
   */
  async hopelessGap(model: Omit<MeshModel, "name" | "contextMax">): Promise<string | undefined> {
    const { clock } = this.#host;
    const endMs = clock.monotonicMs() + gapGraceMs;
    for (;;) {
      const gap = this.gapOf(model);
      if (gap?.isFinal === true) return gap.sentence;
      if (gap === undefined || gap.isPassing || await this.isSettling()) return undefined;
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0) return gap.sentence;
      await this.changed(leftMs);
    }
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
    return new MeshRouter({
      route: (need) => this.#chooser.route(need, this.#nodes()),
      gap: (need) => this.gapOf(need, need.excluded),
      isSettling: () => this.isSettling(),
    }, this.#host.clock);
  }

  #nameOf(root: string): string {
    const all = [...this.#own(), ...this.models()];
    return all.find((model) => model.root === root)?.name ?? root.slice(0, 12);
  }

  #shownName(peer: PeerKey): string {
    return memberName(this.#list?.peers.find(({ key }) => key === peer) ?? { key: peer });
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

/** Why a member may yet say that it has what is missing; nothing where it has said what it has. */
function awaitedWords(peer: PeerView, unixMs: number): readonly string[] {
  if (isLoading(peer, unixMs)) return [`${memberName(peer)} is still loading its model`];
  const isUnheard = peer.state !== "linked" && peer.state !== "gone" && peer.capabilities === null;
  return isUnheard ? [`${memberName(peer)} is there, but no link leads to it yet`] : [];
}
