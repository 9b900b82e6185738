/**
 * Metrics of peers and of the stages that would be used, which are set whenever the mesh changes.
 *
 * Labels are bounded: the first 64 peers have labels of their own, in the order of their keys, the
 * others none; of each model 16 stages. A peer that has gone stays with NaN, as series are not taken
 * back.
 */
import type { Metrics } from "../../kernel/mod.ts";
import type { MeshNode, PlannedStage } from "../../placement/mod.ts";

/** Peers and stages that have labels of their own. */
const peersMax = 64;
const stagesMax = 16;

/** Digits of a key in a label. */
const labelDigits = 12;

type Gauge = ReturnType<Metrics["gauge"]>;

/** The gauges. */
export class MeshMeters {
  readonly #roundTrip: Gauge;
  readonly #freeSlots: Gauge;
  readonly #memoryFree: Gauge;
  readonly #layer: Gauge;
  readonly #stageLayers: Gauge;
  readonly #stageSeconds: Gauge;
  readonly #peers = new Set<string>();
  readonly #stages = new Map<string, { readonly model: string; readonly peer: string }>();

  constructor(metrics: Metrics) {
    const gauge = (name: string, help: string, labels: readonly string[]): Gauge =>
      metrics.gauge({ name, help, labels });
    this.#roundTrip = gauge(
      "mesh_peer_round_trip_seconds",
      "Measured way to a peer and back; NaN while no link leads there.",
      ["peer"],
    );
    this.#freeSlots = gauge(
      "mesh_peer_free_slots",
      "Requests that a peer would take now, as it says; +Inf for any number.",
      ["peer"],
    );
    this.#memoryFree = gauge(
      "mesh_peer_memory_free_bytes",
      "Memory that a peer has free, as it says.",
      ["peer"],
    );
    this.#layer = gauge(
      "mesh_peer_layer_seconds",
      "Time of one layer for one position at a peer, as it says.",
      ["peer", "model"],
    );
    this.#stageLayers = gauge(
      "placement_stage_layers",
      "Layers of a model that the best route now has at a node.",
      ["model", "peer"],
    );
    this.#stageSeconds = gauge(
      "placement_stage_seconds",
      "Expected time of one position at a stage of the best route now, the way there included.",
      ["model", "peer"],
    );
  }

  /** Notes what peers say and how far they are. */
  peers(nodes: readonly MeshNode[]): void {
    const others = nodes.filter(({ isSelf }) => !isSelf).toSorted((a, b) => a.key < b.key ? -1 : 1);
    const now = new Set<string>();
    for (const { key, isLinked, roundTripMs, capabilities } of others) {
      const peer = key.slice(0, labelDigits);
      if (!this.#peers.has(peer) && this.#peers.size >= peersMax) continue;
      this.#peers.add(peer);
      now.add(peer);
      this.#roundTrip.set(isLinked ? (roundTripMs ?? NaN) / 1000 : NaN, { peer });
      const { freeSlots = 0, memoryFreeBytes = null, models = [] } = capabilities ?? {};
      this.#freeSlots.set(freeSlots ?? Infinity, { peer });
      this.#memoryFree.set(memoryFreeBytes ?? NaN, { peer });
      for (const { root, layerMs } of models.slice(0, stagesMax)) {
        const model = root.slice(0, labelDigits);
        if (layerMs !== undefined) this.#layer.set(layerMs / 1000, { peer, model });
      }
    }
    for (const peer of this.#peers) {
      if (now.has(peer)) continue;
      for (const one of [this.#roundTrip, this.#freeSlots, this.#memoryFree]) {
        one.set(NaN, { peer });
      }
    }
  }

  /** Notes the routes that would be chosen. */
  routes(
    plans: readonly { readonly root: string; readonly stages: readonly PlannedStage[] }[],
  ): void {
    const before = new Map(this.#stages);
    for (const { root, stages } of plans) {
      const model = root.slice(0, labelDigits);
      for (const { peer: key, from, to, computeMs, hopMs } of stages.slice(0, stagesMax)) {
        const peer = key.slice(0, labelDigits);
        const id = `${model} ${peer}`;
        if (!this.#stages.has(id) && this.#stages.size >= peersMax * stagesMax) continue;
        before.delete(id);
        this.#stages.set(id, { model, peer });
        this.#stageLayers.set(to - from, { model, peer });
        this.#stageSeconds.set((computeMs + hopMs) / 1000, { model, peer });
      }
    }
    for (const labels of before.values()) {
      this.#stageLayers.set(0, labels);
      this.#stageSeconds.set(0, labels);
    }
  }
}
