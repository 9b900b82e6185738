/** Metrics of the stages that this node serves, and of the pipelines that it uses. */
import type { Metrics } from "../../kernel/mod.ts";
import { DampedMeasure } from "../../placement/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import type { PipelineEvent, StageCounters, StageErrorCode } from "../../stages/mod.ts";

/** The meters. */
export class StageMeters {
  readonly #refused: ReturnType<Metrics["counter"]>;
  readonly #lost: ReturnType<Metrics["counter"]>;
  readonly #replayed: ReturnType<Metrics["counter"]>;
  readonly #replayedBytes: ReturnType<Metrics["counter"]>;
  readonly #sessions: ReturnType<Metrics["gauge"]>;
  readonly #rows: ReturnType<Metrics["counter"]>;
  readonly #stale: ReturnType<Metrics["counter"]>;
  readonly #layerMs = new DampedMeasure();
  #measured = { rows: 0, computeMs: 0 };
  #counted = { rows: 0, staleFrames: 0 };

  constructor(metrics: Metrics) {
    this.#refused = metrics.counter({
      name: "stage_refused_total",
      help: "Frames of peers that were refused, by peer and reason.",
      labels: ["peer", "reason"],
    });
    this.#lost = metrics.counter({
      name: "stage_lost_total",
      help: "Stages that a pipeline of this node lost, by peer.",
      labels: ["peer"],
    });
    this.#replayed = metrics.counter({
      name: "stage_replayed_positions_total",
      help: "Positions that were computed again for a stage that took another's place.",
    });
    this.#replayedBytes = metrics.counter({
      name: "stage_replayed_bytes",
      help: "Bytes of rows that replays sent between stages.",
    });
    this.#sessions = metrics.gauge({
      name: "stage_sessions_open",
      help: "Sessions that peers have open at this node's stages.",
    });
    this.#rows = metrics.counter({
      name: "stage_rows_total",
      help: "Rows that this node's stages have computed for peers.",
    });
    this.#stale = metrics.counter({
      name: "stage_stale_frames_total",
      help: "Frames that came after their session had made a new beginning.",
    });
  }

  refused(peer: PeerKey, reason: StageErrorCode): void {
    this.#refused.add(1, { peer: peer.slice(0, 12), reason });
  }

  /** Notes what a server has counted so far. */
  stage({ sessionsOpen, rows, staleFrames }: StageCounters): void {
    this.#sessions.set(sessionsOpen);
    this.#rows.add(rows - this.#counted.rows);
    this.#stale.add(staleFrames - this.#counted.staleFrames);
    this.#counted = { rows, staleFrames };
  }

  event(event: PipelineEvent): void {
    if (event.kind === "stage-lost") this.#lost.add(1, { peer: event.place.peer.slice(0, 12) });
    if (event.kind !== "replayed") return;
    this.#replayed.add(event.positions);
    this.#replayedBytes.add(event.bytes);
  }

  /** Takes a measurement that was made before there was any work. */
  calibrated(layerMs: number): void {
    this.#layerMs.add(layerMs, 1);
  }

  /** Measured time of one layer for one position, ms, damped; undefined before there is one. */
  get layerMsTold(): number | undefined {
    return this.#layerMs.told;
  }

  /** The same, after what a server has counted since the last call. */
  layerMs(
    { rows, computeMs }: StageCounters,
    layers: { readonly from: number; readonly to: number },
  ): number | undefined {
    const { rows: rowsBefore, computeMs: msBefore } = this.#measured;
    this.#measured = { rows, computeMs };
    this.#layerMs.add(computeMs - msBefore, (rows - rowsBefore) * (layers.to - layers.from));
    return this.#layerMs.told;
  }
}
