/**
 * The layers that this node computes for others, and the pipelines in which others compute for it.
 */
import { contextLimitOf } from "../../engine/mod.ts";
import type { ModelExecutor } from "../../engine/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { ModelShape } from "../../model/mod.ts";
import type { ModelShare } from "../../mesh/mod.ts";
import { MeshError } from "../../ports/mod.ts";
import type { ReceiptWitness } from "../../receipts/mod.ts";
import { PipelineExecutor, stageProtocol, StageServer } from "../../stages/mod.ts";
import type { HeldPart, PipelineEvent } from "../../stages/mod.ts";
import { eventsTopic } from "../network/mod.ts";
import type { NetworkEvent } from "../network/mod.ts";
import { measureLayer } from "./calibration.ts";
import { announceMs, pagePositions } from "./limits.ts";
import type { LoadedModel } from "./loaded_model.ts";
import { MeshView } from "./mesh_view.ts";
import { adoptedRoot, isInMesh } from "./shared_parts.ts";
import type { InferenceConfig } from "./config.ts";
import { ReceiptDesk } from "./receipt_desk.ts";
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
  /** None in a worker thread, which has no mesh. */
  readonly #server: StageServer | undefined;
  readonly #stop = new AbortController();
  readonly #meters: StageMeters;
  readonly #parts: ServedPart[] = [];
  readonly view: MeshView;
  readonly receipts: ReceiptDesk;
  #freeSlots: () => number | null = () => null;
  readonly #memoryFree: () => number | undefined;
  /** Whether what this node computes is known: until then it does not say that it computes. */
  #isSettled = false;
  #measuring: Promise<void> | undefined;
  #toldMemory: number | null = null;
  #told = "";

  /** @param options `memoryFree`: what the machine has left, where that is known */
  constructor(
    host: Host,
    options: Pick<InferenceConfig, "receipts"> & {
      readonly memoryFree?: (() => number | undefined) | undefined;
    },
  ) {
    this.#host = host;
    this.#memoryFree = options.memoryFree ?? (() => undefined);
    this.receipts = new ReceiptDesk(host, options.receipts);
    this.#meters = new StageMeters(host.metrics);
    this.#server = this.#serverOf(host);
    this.view = new MeshView(host, () => this.#parts.map((part) => this.#modelOf(part)));
  }

  /** Serves a part, and tells the mesh. */
  async serve(part: ServedPart): Promise<void> {
    this.#server?.hold(part);
    this.#parts.push(part);
    this.#isSettled = true;
    await this.#announce();
    // Others plan by it, before this node has computed anything for them.
    if (await this.layerMs(part.executor) !== undefined) await this.#announce();
  }

  /** Time of one layer for one position here, ms, measured at the first call; undefined: not known. */
  async layerMs(executor: ModelExecutor): Promise<number | undefined> {
    this.#measuring ??= this.#measure(executor);
    await this.#measuring;
    return this.#meters.layerMsTold;
  }

  async #measure(executor: ModelExecutor): Promise<void> {
    const { clock, signal, log } = this.#host;
    try {
      const layerMs = await measureLayer(executor, { clock, signal });
      if (layerMs !== undefined) this.#meters.calibrated(layerMs);
    } catch (cause) {
      // It may have no room now, or be closed: then what it computes for others will tell.
      log.debug("The time of a layer was not measured", { cause });
    }
  }

  /** Serves what a model has here, once its root is known: in a mesh it is found out, which takes a reading. */
  async serveModel(model: LoadedModel): Promise<void> {
    const { own: executor, id: name, path } = model;
    try {
      if (executor === undefined) return;
      const { layers: { from, to }, shape: { layerCount } } = executor;
      const root = model.root ?? (path === undefined ? undefined : await this.#rootOf(path));
      if (root === undefined) return;
      await this.serve({ name, root, executor, embedding: from === 0, head: to === layerCount });
    } catch (cause) {
      if (this.#host.signal.aborted) return;
      this.#host.log.warn("The mesh can't use the model that is loaded here", { name, cause });
    } finally {
      this.#isSettled = true;
      await this.#announce();
    }
  }

  /** Reads the file whole, but not before the node is in a mesh. */
  async #rootOf(path: string): Promise<string | undefined> {
    const { bus, signal } = this.#host;
    if (!await isInMesh(this.#host)) {
      for await (const { payload } of bus.subscribe(eventsTopic, { signal, replay: 16 })) {
        if ((payload as NetworkEvent).kind === "listening") break;
      }
    }
    return signal.aborted ? undefined : await adoptedRoot(this.#host, path);
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
      ...this.#witness(),
      onEvent: (event) => this.#onEvent(event),
    });
  }

  /** Tells the mesh again whenever something has changed, until the node stops. */
  async follow(): Promise<void> {
    const { clock } = this.#host;
    const signal = AbortSignal.any([this.#host.signal, this.#stop.signal]);
    const following = this.view.follow(signal);
    while (!signal.aborted) {
      await clock.sleep(announceMs, signal).catch(() => {});
      if (!signal.aborted) await this.#announce();
    }
    await following;
  }

  /** Tells requesters that this node goes. */
  leave(): void {
    this.#server?.leave();
  }

  /** Ends all sessions of others. */
  close(): void {
    this.#stop.abort();
    this.#server?.close();
    this.receipts.close();
  }

  #witness(): { witness?: ReceiptWitness } {
    const { witness } = this.receipts;
    return witness === undefined ? {} : { witness };
  }

  #serverOf({ mesh, clock, log }: Host): StageServer | undefined {
    try {
      return new StageServer({
        ...{ mesh, clock },
        ...this.#witness(),
        onRefusal: ({ peer, code, sentence }) => {
          this.#meters.refused(peer, code);
          log.warn("A peer's frame was refused", { peer: peer.slice(0, 12), code, sentence });
        },
      });
    } catch (thrown) {
      if (!(thrown instanceof MeshError)) throw thrown;
      log.debug("No layers are computed for others here", { why: thrown.message });
      return undefined;
    }
  }

  async #announce(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    const host = this.#host;
    const counters = server.counters();
    const models = this.#parts.map((part) => this.#modelOf(part));
    this.#meters.stage(counters);
    this.#toldMemory = toldBytes(this.#memoryFree(), this.#toldMemory);
    this.receipts.meter();
    const capabilities = {
      // Who looks for a model waits for those who have not said this yet.
      protocols: this.#isSettled ? [stageProtocol] : [],
      numericClasses: [...new Set(models.map(({ numericClass }) => numericClass))],
      models,
      freeSlots: this.#freeSlots(),
      memoryFreeBytes: this.#toldMemory,
    };
    const told = JSON.stringify(capabilities);
    if (told === this.#told) return;
    try {
      await host.call("network", "capabilities.set", { source: "inference", capabilities });
      this.#told = told;
    } catch {
      // Without the service there is no mesh; while it starts again, the next time will do.
    }
  }

  #modelOf(part: ServedPart): ModelShare {
    const { name, root, executor, embedding, head } = part;
    const { layers, numericClass, shape } = executor;
    const { layerCount } = shape;
    const contextMax = contextLimitOf(shape);
    const isWhole = layers.from === 0 && layers.to === layerCount && embedding && head;
    const parts = { layers, embedding, head, complete: isWhole };
    const { used, total } = executor.pages();
    const counters = this.#server?.counters();
    const layerMs = counters && this.#meters.layerMs(counters, layers);
    return {
      ...{ root, name, layerCount, contextMax, parts, loaded: parts, numericClass },
      ...(layerMs === undefined ? {} : { layerMs }),
      ...(total === 0 ? {} : { freePositions: toldPages({ used, total }) * pagePositions }),
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

/** Free pages to a sixteenth of all: a few more or less are no news. */
function toldPages({ used, total }: { readonly used: number; readonly total: number }): number {
  const step = Math.max(1, Math.floor(total / 16));
  return Math.floor((total - used) / step) * step;
}

/** Free memory as it was told, until it is another one by a sixteenth: less is no news. */
function toldBytes(free: number | undefined, told: number | null): number | null {
  if (free === undefined) return null;
  return told !== null && Math.abs(free - told) <= told / 16 ? told : free;
}
