/**
 * The models that a node answers for: the configured one, and those of the mesh, which are opened when
 * somebody asks for them first.
 */
import { RpcError } from "../../kernel/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import { Closing } from "./closing.ts";
import type { InferenceConfig } from "./config.ts";
import { Embedder } from "./embedder.ts";
import type { Engine } from "./engine.ts";
import { Generator } from "./generator.ts";
import { meshModelsMax } from "./limits.ts";
import { openMeshModel } from "./loaded_model.ts";
import type { LoadedModel } from "./loaded_model.ts";
import { modelEntry } from "./model_info.ts";
import type { MeshModel } from "./mesh_view.ts";
import type { ModelEntry } from "./model_schemas.ts";
import type { StageDesk } from "./stage_desk.ts";

/** What a table works with. */
export interface ModelTableOptions {
  readonly config: InferenceConfig;
  readonly host: Host;
  readonly engine: Engine;
  readonly desk: StageDesk;
  /** The configured model. */
  readonly model: LoadedModel;
}

/** A model and who answers for it. */
export interface ServedModel {
  readonly model: LoadedModel;
  readonly generator: Generator;
  readonly embedder: Embedder;
}

/** The models of one node. */
export class ModelTable {
  readonly #options: ModelTableOptions;
  readonly #closing: Closing;
  readonly primary: ServedModel;
  /** Of the mesh, by root, the least recently asked for first. */
  readonly #opened = new Map<string, Promise<ServedModel>>();

  constructor(options: ModelTableOptions) {
    this.#options = options;
    this.#closing = new Closing(options.host);
    this.primary = this.#serve(options.model);
  }

  get closing(): Closing {
    return this.#closing;
  }

  /** What is listed: of a model of the mesh that nobody has asked for yet, as its holders say. */
  async list(): Promise<ModelEntry[]> {
    const entries = [modelEntry(this.primary.model)];
    for (const { root, name, contextMax } of this.#shared()) {
      const opened = await this.#opened.get(root)?.catch(() => undefined);
      entries.push(
        opened === undefined
          ? {
            id: name,
            createdSeconds: this.primary.model.createdSeconds,
            ownedBy: "mesh",
            contextMax,
            capabilities: ["chat", "completions"],
          }
          : { ...modelEntry(opened.model), ownedBy: "mesh" },
      );
    }
    return entries;
  }

  /**
   * The model of a name; a node that has just come into its mesh waits a little to hear of it.
   *
   * @throws {RpcError} "notFound", listing the names that there are
   */
  async find(name: string): Promise<ServedModel> {
    if (name === this.primary.model.id) return this.primary;
    const found = await this.#sharedNamed(name) ?? this.#partialNamed(name);
    if (found !== undefined) return await this.#open(found);
    const names = [this.primary.model.id, ...this.#shared().map((model) => model.name)];
    throw new RpcError({
      kind: "notFound",
      message: `Cannot use model ${JSON.stringify(name.slice(0, 128))} as this node serves only ${
        names.slice(0, 16).map((one) => JSON.stringify(one)).join(", ")
      }`,
      data: { field: "model" },
    });
  }

  /**
   * The model of a name, for an answer.
   *
   * @throws {RpcError} "notFound"; "unavailable", naming the layers that nobody computes
   */
  async findWhole(name: string): Promise<ServedModel> {
    const served = await this.find(name);
    const { root, spread } = served.model;
    if (root === undefined || spread === undefined) return served;
    const { numericClass, shape: { layerCount } } = spread;
    const message = await this.#options.desk.view.hopelessGap({ root, numericClass, layerCount });
    if (message === undefined) return served;
    throw new RpcError({ kind: "unavailable", message, data: { code: "stage_no_route" } });
  }

  /** A model that the mesh knows, though some of its layers nobody computes now. */
  #partialNamed(name: string): MeshModel | undefined {
    const { root } = this.primary.model;
    return this.#options.desk.view.models().find((model) =>
      model.name === name && model.root !== root
    );
  }

  async #sharedNamed(name: string): Promise<MeshModel | undefined> {
    const { view } = this.#options.desk;
    for (;;) {
      const found = this.#shared().find((model) => model.name === name);
      if (found !== undefined || !await view.isSettling()) return found;
      await view.changed(view.settlingMs);
    }
  }

  /** Waits until no request is left. */
  async idle(): Promise<void> {
    const opened = await Promise.allSettled(this.#opened.values());
    const all = opened.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
    await Promise.all([this.primary, ...all].flatMap(({ generator, embedder }) => [
      generator.idle(),
      embedder.idle(),
    ]));
  }

  /** Gives all executors back. */
  async close(): Promise<void> {
    const { spread, own } = this.primary.model;
    spread?.close();
    own?.close();
    for (const opened of this.#opened.values()) {
      await opened.then(({ model }) => model.executor.close(), () => {});
    }
  }

  /** Models of the mesh that can be computed, under names that are not taken. */
  #shared(): readonly MeshModel[] {
    const { id, root: ownRoot } = this.primary.model;
    const names = new Set([id]);
    return this.#options.desk.view.runnable().filter(({ root, name }) => {
      if (root === ownRoot || names.has(name)) return false;
      names.add(name);
      return true;
    });
  }

  async #open(model: MeshModel): Promise<ServedModel> {
    const { root } = model;
    const opening = this.#opened.get(root) ??
      openMeshModel(model, this.#options).then((opened) => this.#serve(opened));
    this.#opened.delete(root);
    this.#opened.set(root, opening);
    opening.catch(() => this.#opened.delete(root));
    await this.#makeRoom();
    return await opening;
  }

  /** Closes models that nobody has asked for lately, once they are idle. */
  async #makeRoom(): Promise<void> {
    for (const [root, opening] of this.#opened) {
      if (this.#opened.size <= meshModelsMax) return;
      const opened = await opening.catch(() => undefined);
      if (opened?.generator.isIdle === false) continue;
      this.#opened.delete(root);
      opened?.model.executor.close();
    }
  }

  #serve(model: LoadedModel): ServedModel {
    const { desk: { receipts } } = this.#options;
    const options = { ...this.#options, receipts, model, closing: this.#closing };
    return { model, generator: new Generator(options), embedder: new Embedder(options) };
  }
}
