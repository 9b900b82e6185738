/**
 * The routes of one pipeline. Where layers have no holder it says so: soon, when nobody is known who
 * could be of use again, and else after a while.
 */
import type { Clock } from "../../ports/mod.ts";
import { StageError } from "../../stages/mod.ts";
import type { Route, RouteNeed, Router } from "../../stages/mod.ts";
import type { LayerGap } from "./layer_gap.ts";
import { gapGraceMs, holderWaitMs } from "./limits.ts";

/** What it asks. */
export interface RouteSource {
  /** The best route now. */
  route(need: RouteNeed): Route | undefined;
  /** What is missing of it; undefined where nothing is. */
  gap(need: RouteNeed): LayerGap | undefined;
  /** Whether this node is still hearing who has what. */
  isSettling(): Promise<boolean>;
}

/** Asks for routes, with patience. */
export class MeshRouter implements Router {
  readonly #source: RouteSource;
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** Since when nothing leads through all layers, for one who asks again and again. */
  #since: { readonly ms: number; readonly askedMs: number } | undefined;

  constructor(source: RouteSource, clock: Pick<Clock, "monotonicMs">) {
    this.#source = source;
    this.#clock = clock;
  }

  /** @throws {StageError} "no-route", naming the layers, when waiting is of no use (any more) */
  async route(need: RouteNeed): Promise<Route | undefined> {
    const route = this.#source.route(need);
    if (route !== undefined) {
      this.#since = undefined;
      return route;
    }
    const waitedMs = this.#waited();
    const gap = this.#source.gap(need);
    if (gap?.isFinal === true) throw new StageError({ code: "no-route", message: gap.sentence });
    if (gap === undefined || waitedMs < gapGraceMs) return undefined;
    // Who is in the middle of an answer knows what it has lost, and says that if nobody comes.
    if (gap.isPassing && need.kept.length > 0) return undefined;
    const isWorthIt = gap.isPassing ? waitedMs < holderWaitMs : await this.#source.isSettling();
    if (isWorthIt) return undefined;
    throw new StageError({ code: "no-route", message: gap.sentence });
  }

  /** How long one who asks again and again has had no answer, ms. */
  #waited(): number {
    const nowMs = this.#clock.monotonicMs();
    const { ms, askedMs } = this.#since ?? { ms: nowMs, askedMs: nowMs };
    const sinceMs = nowMs - askedMs < gapGraceMs ? ms : nowMs;
    this.#since = { ms: sinceMs, askedMs: nowMs };
    return nowMs - sinceMs;
  }
}
