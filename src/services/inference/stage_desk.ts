/**
 * The layers that this node computes for others, and the pipelines in which others compute for it.
 */
import type { ModelExecutor } from "../../engine/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { ModelShape } from "../../model/mod.ts";
import {
  type HeldPart,
  PipelineExecutor,
  type PipelineEvent,
  stageProtocol,
  StageServer,
} from "../../stages/mod.ts";
import { announceMs } from "./limits.ts";
import { MeshView, type OwnShare } from "./mesh_view.ts";
import { StageMeters } from "./stage_meters.ts";

/** A part that is served. */
export interface ServedPart {
  readonly name: string;
  readonly root: string;
  readonly executor: ModelExecutor;
  /** Whether the executor holds the embedding, and the head. */
  readonly embedding: boolean;
  readonly head: boolean;
}

/** Bus topic of what happens to this node's pipelines. */
export const stageTopic = "stage.events";

/** The desk of one node. */
export class StageDesk {
  readonly #host: Host;
  readonly #server: StageServer;
  readonly #meters: StageMeters;
  readonly #parts: ServedPart[] = [];
  readonly view: MeshView;
  #freeSlots: () => number | null = () => null;
  #told = "";

  constructor(host: Host) {
    this.#host = host;
    this.#meters = new StageMeters(host.metrics);
    this.#server = new StageServer({
      mesh: host.mesh,
      clock: host.clock,
      onRefusal: ({ peer, code, sentence }) => {
        this.#meters.refused(peer, code);
        host.log.warn("A peer's frame was refused", { peer: peer.slice(0, 12), code, sentence });
      },
    });
    this.view = new MeshView(host, () => this.#parts.map(shareOf));
  }

  /** Serves a part, and tells the mesh. */
  async serve(part: ServedPart): Promise<void> {
    this.#server.hold(part);
    this.#parts.push(part);
    await this.#announce();
  }

  /** Says how many requests this node would take. */
  set freeSlots(count: () => number | null) {
    this.#freeSlots = count;
  }

  /** A pipeline over the mesh; `local` is what this node has of the model. */
  pipeline(
    model: {
      readonly shape: ModelShape;
      readonly root: string;
      readonly numericClass: string;
      readonly contextMax: number;
    },
    local?: HeldPart,
  ): PipelineExecutor {
    const { mesh, clock, random, identity } = this.#host;
    return new PipelineExecutor({
      ...model,
      ...{ mesh, clock, random, identity },
      router: this.view.router(),
      ...(local === undefined ? {} : { local }),
      onEvent: (event) => this.#onEvent(event),
    });
  }

  /** Tells the mesh again whenever something has changed, until the node stops. */
  async follow(): Promise<void> {
    const { clock, signal } = this.#host;
    const following = this.view.follow();
    while (!signal.aborted) {
      await clock.sleep(announceMs, signal).catch(() => {});
      if (!signal.aborted) await this.#announce();
    }
    await following;
  }

  /** Tells requesters that this node goes. */
  leave(): void {
    this.#server.leave();
  }

  /** Ends all sessions of others. */
  close(): void {
    this.#server.close();
  }

  async #announce(): Promise<void> {
    const { host, models } = { host: this.#host, models: this.#parts.map((part) => this.#modelOf(part)) };
    this.#meters.stage(this.#server.counters());
    const capabilities = {
      protocols: [stageProtocol],
      numericClasses: [...new Set(models.map(({ numericClass }) => numericClass))],
      models,
      freeSlots: this.#freeSlots(),
    };
    const told = JSON.stringify(capabilities);
    if (told === this.#told) return;
    try {
      await host.call("network", "capabilities.set", { source: "inference", capabilities });
      this.#told = told;
    } catch (cause) {
      host.log.debug("The mesh is not told what is computed here", { cause });
    }
  }

  #modelOf({ name, root, executor, embedding, head }: ServedPart): AnnouncedModel {
    const { layers, numericClass, shape: { layerCount } } = executor;
    const isWhole = layers.from === 0 && layers.to === layerCount && embedding && head;
    const parts = { layers, embedding, head, complete: isWhole };
    const { used, total } = executor.pages();
    const layerMs = this.#meters.layerMs(this.#server.counters(), layers);
    return {
      ...{ root, name, layerCount, parts, loaded: parts, numericClass },
      ...(layerMs === undefined ? {} : { layerMs }),
      // A few pages more or less are no news.
      freePositions: Math.floor((total - used) / 8) * 8 * 32,
    };
  }

  #onEvent(event: PipelineEvent): void {
    const { bus, log } = this.#host;
    this.#meters.event(event);
    bus.publish(stageTopic, event);
    if (event.kind === "stage-lost") {
      const { peer, from, to } = event.place;
      log.warn("A stage is lost", { peer: peer.slice(0, 12), from, to, why: event.why });
    } else if (event.kind === "bad-frame") {
      log.warn("A stage sent a bad frame", { peer: event.peer.slice(0, 12), why: event.why });
    } else log.info(`Pipeline: ${event.kind}`, { ...event, root: event.root.slice(0, 12) });
  }
}

interface AnnouncedModel {
  readonly root: string;
  readonly name: string;
  readonly layerCount: number;
  readonly parts: {
    readonly layers: { readonly from: number; readonly to: number };
    readonly embedding: boolean;
    readonly head: boolean;
    readonly complete: boolean;
  };
  readonly loaded: AnnouncedModel["parts"];
  readonly numericClass: string;
  readonly layerMs?: number;
  readonly freePositions: number;
}

function shareOf({ root, executor, embedding, head }: ServedPart): OwnShare {
  const { layers: { from, to }, numericClass } = executor;
  return { root, numericClass, from, to, embedding, head };
}
