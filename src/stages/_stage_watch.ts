/**
 * Notices stages that have fallen silent while somebody waits for them: there is no deadline, but a
 * stage that gives no sign of life, not even when asked, is lost. Time in which this node did not run
 * itself is not a stage's silence: what has come meanwhile has yet to be read.
 */
import type { Clock, Timer } from "../ports/mod.ts";
import { encodeControl } from "./control_frames.ts";
import { beatMs, probeMs, silenceMs } from "./limits.ts";
import type { PipelineStage, RemoteStage } from "./_pipeline_stage.ts";

/** Watches the stages of one pipeline. */
export class StageWatch {
  readonly #clock: Clock;
  #watched: readonly RemoteStage[] = [];
  #timer: Timer | undefined;
  #probe = 0;
  #dueMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Watches stages until the returned function is called. */
  begin(stages: readonly PipelineStage[]): () => void {
    const watched = stages.filter((stage) => !stage.isLocal);
    const nowMs = this.#clock.monotonicMs();
    for (const stage of watched) {
      stage.lastSignMs = nowMs;
      stage.probedMs = undefined;
    }
    this.#watched = watched;
    // It runs on from step to step, so that a token costs no timer.
    if (watched.length > 0 && this.#timer === undefined) this.#lookLater(nowMs);
    return () => {
      this.#watched = [];
    };
  }

  stop(): void {
    this.#watched = [];
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#watched.length === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const sleptMs = Math.max(0, nowMs - this.#dueMs);
    for (const stage of this.#watched) {
      stage.lastSignMs = Math.min(nowMs, stage.lastSignMs + sleptMs);
      if (stage.probedMs !== undefined) stage.probedMs = Math.min(nowMs, stage.probedMs + sleptMs);
      const silentMs = nowMs - stage.lastSignMs;
      if (stage.probedMs !== undefined && nowMs - stage.probedMs >= probeMs) {
        stage.lose(`it has given no sign of life for ${Math.round(silentMs)} ms`);
      } else if (stage.probedMs === undefined && silentMs >= silenceMs) {
        stage.probedMs = nowMs;
        this.#probe = this.#probe % 0xffffffff + 1;
        stage.send(encodeControl({ kind: "probe", probe: this.#probe }));
      }
    }
    this.#lookLater(nowMs);
  }

  #lookLater(nowMs: number): void {
    this.#dueMs = nowMs + beatMs;
    this.#timer = this.#clock.after(beatMs, () => this.#look());
  }
}
