/**
 * The route that a pipeline uses: asked for at first, and again when a stage is lost. While nobody can
 * take a lost stage's place it asks again and again, for a while.
 */
import type { Clock, MeshNetwork, PeerKey } from "../ports/mod.ts";
import { EngineError } from "../engine/mod.ts";
import { decodeHex } from "../hot/mod.ts";
import { hidOf, shortHidOf } from "../identity/mod.ts";
import type { HeldPart } from "./held_part.ts";
import { excludedMs, routeRetryMs } from "./limits.ts";
import type { PipelineEvent } from "./pipeline_events.ts";
import { RemoteStage } from "./_pipeline_stage.ts";
import type { PipelineStage } from "./_pipeline_stage.ts";
import { samePlace } from "./route.ts";
import type { Place, Route, Router } from "./route.ts";
import { StageError } from "./stage_error.ts";

/** A route with its stages. */
export interface RouteState {
  readonly stages: readonly PipelineStage[];
  readonly standbys: readonly Place[];
}

/** What a keeper works with. */
export interface RouteKeeperOptions {
  readonly root: string;
  readonly numericClass: string;
  readonly layerCount: number;
  readonly mesh: MeshNetwork;
  readonly clock: Clock;
  readonly router: Router;
  /** This node's own part, where it has one. */
  readonly local: HeldPart | undefined;
  /** How long to look for somebody who takes a lost stage's place. */
  readonly rebuildMs: number;
  readonly onFrame: (stage: RemoteStage, frame: Uint8Array) => void;
  /** A stage is of no use any more. */
  readonly onLost: (stage: RemoteStage) => void;
  readonly onEvent: (event: PipelineEvent) => void;
}

/** Keeps the route of one pipeline. */
export class RouteKeeper {
  readonly #options: RouteKeeperOptions;
  readonly #excludedUntilMs = new Map<PeerKey, number>();
  #route: RouteState | undefined;
  #lost: { readonly place: Place; readonly why: string }[] = [];
  #lostSinceMs: number | undefined;
  #isClosed = false;

  constructor(options: RouteKeeperOptions) {
    this.#options = options;
  }

  /** The route in use; undefined before the first step. */
  get route(): RouteState | undefined {
    return this.#route;
  }

  /** Whether every stage of the route is of use. */
  get isWhole(): boolean {
    return this.#route !== undefined && this.#lost.length === 0;
  }

  /** A route whose stages are all of use. @throws {StageError} "no-route", "lost"; the signal's reason */
  async take(signal: AbortSignal | undefined): Promise<RouteState> {
    const { clock } = this.#options;
    let sinceMs: number | undefined;
    for (;;) {
      signal?.throwIfAborted();
      if (this.#isClosed) throw closed();
      if (this.#route !== undefined && this.#lost.length === 0) return this.#route;
      const route = await this.#ask();
      if (route !== undefined && !this.#isClosed) return this.#use(route);
      // From when on there was nobody: a replacement that is lost in turn is no reason to give up.
      sinceMs ??= clock.monotonicMs();
      if (clock.monotonicMs() - sinceMs >= this.#options.rebuildMs) throw this.#nobody();
      await clock.sleep(routeRetryMs, signal);
    }
  }

  /** A step went well: whatever was lost before it has been made up for. */
  onStepDone(): void {
    this.#lostSinceMs = undefined;
  }

  /** Gives a stage up: it died, stalled, left or refused. */
  lose(stage: RemoteStage, why: string): void {
    stage.lose(why);
  }

  /** Gives up the stage of a peer, if there is one. */
  losePeer(peer: PeerKey, why: string): void {
    for (const stage of this.#route?.stages ?? []) {
      if (!stage.isLocal && stage.place.peer === peer) stage.lose(why);
    }
  }

  /** Ends all links. */
  close(): void {
    this.#isClosed = true;
    for (const stage of this.#route?.stages ?? []) if (!stage.isLocal) stage.close();
  }

  #onLost(stage: RemoteStage): void {
    const { clock, root, onEvent, onLost } = this.#options;
    const why = stage.lostWhy ?? "it is lost";
    const nowMs = clock.monotonicMs();
    this.#excludedUntilMs.set(stage.place.peer, nowMs + excludedMs);
    if (this.#route?.stages.includes(stage) === true) {
      this.#lost.push({ place: stage.place, why });
      this.#lostSinceMs ??= nowMs;
      onEvent({ kind: "stage-lost", root, place: stage.place, why });
    }
    onLost(stage);
  }

  async #ask(): Promise<Route | undefined> {
    const { root, numericClass, layerCount, router, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const [peer, untilMs] of this.#excludedUntilMs) {
      if (untilMs <= nowMs) this.#excludedUntilMs.delete(peer);
    }
    const kept = (this.#route?.stages ?? []).filter(isOfUse).map(({ place }) => place);
    const route = await router.route({
      root,
      numericClass,
      layerCount,
      kept,
      standbys: this.#route?.standbys ?? [],
      excluded: new Set(this.#excludedUntilMs.keys()),
    });
    return route === undefined || !this.#canUse(route) ? undefined : route;
  }

  /** Whether the layers are whole, and what no place has is here. */
  #canUse({ places }: Route): boolean {
    const { layerCount, local, mesh } = this.#options;
    let layer = 0;
    for (const { from, to, peer } of places) {
      if (from !== layer || to <= from) return false;
      if (peer === mesh.self && !holds(local, { from, to })) return false;
      layer = to;
    }
    return layer === layerCount &&
      (places[0]?.embedding === true || local?.embedding === true) &&
      (places.at(-1)?.head === true || local?.head === true);
  }

  #use(route: Route): RouteState {
    const { clock, root, onEvent } = this.#options;
    const before = (this.#route?.stages ?? []).filter(isOfUse);
    const stages = route.places.map((place) =>
      before.find((stage) => samePlace(stage.place, place)) ?? this.#stageAt(place)
    );
    for (const stage of before) if (!stage.isLocal && !stages.includes(stage)) stage.close();
    const taken = stages.filter((stage) => !before.includes(stage)).map(({ place }) => place);
    onEvent({ kind: "route", root, places: route.places });
    if (this.#lost.length > 0) {
      const lost = this.#lost.map(({ place }) => place);
      const ms = clock.monotonicMs() - (this.#lostSinceMs ?? clock.monotonicMs());
      onEvent({ kind: "stage-replaced", root, lost, taken, ms });
    }
    this.#lost = [];
    this.#route = { stages, standbys: route.standbys };
    return this.#route;
  }

  #stageAt(place: Place): PipelineStage {
    const { mesh, clock, local, onFrame } = this.#options;
    if (place.peer === mesh.self && local !== undefined) {
      return { isLocal: true, place, part: local };
    }
    return new RemoteStage({
      place,
      mesh,
      nowMs: () => clock.monotonicMs(),
      onFrame,
      onLost: (stage) => this.#onLost(stage),
    });
  }

  #nobody(): StageError {
    const { rebuildMs } = this.#options;
    const [first] = this.#lost;
    if (first === undefined) {
      return new StageError({
        code: "no-route",
        message:
          `Cannot compute the model as no peers that can be reached hold all its layers: looked for ${rebuildMs} ms`,
      });
    }
    const { place: { from, to, peer }, why } = first;
    return new StageError({
      code: "lost",
      message: `Cannot go on as layers ${from} to ${to - 1} were lost with peer ${
        shortHidOf(hidOf(decodeHex(peer)))
      } and nobody else has them: ${why}`,
    });
  }
}

function isOfUse(stage: PipelineStage): boolean {
  return stage.isLocal || stage.lostWhy === undefined;
}

function holds(
  part: HeldPart | undefined,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  const layers = part?.executor.layers;
  return layers !== undefined && from >= layers.from && to <= layers.to;
}

function closed(): EngineError {
  return new EngineError({ code: "closed", message: "Cannot use the pipeline as it was closed" });
}
