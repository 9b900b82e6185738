/**
 * A model made ready: its file's header, tokenizer and executor, and the names it is known by.
 */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { contextLimitOf, pageBytesOf } from "../../engine/mod.ts";
import type { LayerRange, ModelExecutor } from "../../engine/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import {
  EMBEDDED_MODEL_NAME,
  fileSource,
  loadTokenizer,
  openGguf,
  readModelShape,
} from "../../model/mod.ts";
import type { GgufFile, ModelShape, Tokenizer } from "../../model/mod.ts";
import type { InferenceConfig } from "./config.ts";
import { availableMemory } from "../../platform/mod.ts";
import type { PipelineExecutor } from "../../stages/mod.ts";
import type { Engine } from "./engine.ts";
import { GrammarStore } from "./grammar_store.ts";
import { chosenLayers } from "./layer_choice.ts";
import { pagePositions } from "./limits.ts";
import type { MeshModel } from "./mesh_view.ts";
import { openModel } from "./model_source.ts";
import { adoptedRoot, fetchShared } from "./shared_parts.ts";
import type { StageDesk } from "./stage_desk.ts";

/** A model that can be asked. */
export interface LoadedModel {
  readonly id: string;
  readonly file: GgufFile;
  readonly tokenizer: Tokenizer;
  /** What answers: this node's executor, or a pipeline over several nodes. */
  readonly executor: ModelExecutor;
  /** This node's executor, if it has one for the model. */
  readonly own: ModelExecutor | undefined;
  /** The pipeline, if the model is spread over nodes. */
  readonly spread: PipelineExecutor | undefined;
  /** BLAKE3 of the file, where it is known. */
  readonly root: string | undefined;
  /** Where the file is; undefined for the embedded model. */
  readonly path: string | undefined;
  readonly createdSeconds: number;
  /** Positions that a request may have: the executor's context, or what all its pages hold. */
  readonly contextMax: number;
  /**
   * Numeric class, id, and 16 digits of the file's BLAKE3 root where a manifest knows it, else 8 of
   * a digest of its header, which does not vouch for the weights. Another one means another model
   * or another arithmetic.
   */
  readonly fingerprint: string;
  /** UTF-16 units of the longest token's text: a text has at least its length over this in tokens. */
  readonly pieceUnitsMax: number;
  /** What answers of this model have been held to lately. */
  readonly grammars: GrammarStore;
}

/** The bus topic of loading progress: `{ name, loadedBytes, totalBytes }`. */
export const loadTopic = "model.load";

/** What loading needs. */
export interface LoadOptions {
  readonly host: Host;
  readonly engine: Engine;
  readonly desk: StageDesk;
}

/**
 * Opens and loads the configured model; progress is published at `loadTopic`. Where this node
 * computes some of its layers only, the others are computed by peers.
 *
 * @throws {ModelError} or {EngineError}, with one sentence that names the file
 */
export async function loadModel(
  config: InferenceConfig,
  options: LoadOptions,
): Promise<LoadedModel> {
  const { host, engine, desk } = options;
  const id = config.name ?? nameOf(config.model);
  const onProgress = (loadedBytes: number, totalBytes: number): void =>
    host.bus.publish(loadTopic, { name: id, loadedBytes, totalBytes });
  const opened = await openModel(config.model, { ...options, onProgress });
  const { source } = opened;
  try {
    const file = await openGguf(source);
    const shape = readModelShape(file);
    checkContext(config, shape);
    const tokenizer = loadTokenizer(file);
    const layers = chosenLayers(config.layers, {
      file,
      shape,
      freeBytes: availableMemory(),
      pageBytes: pageBytesOf(shape, config.kvType ?? "f32"),
      context: config.context,
      others: opened.root === undefined ? [] : desk.view.layersOf(opened.root),
      edgeLayers: desk.view.forbiddenEdgeLayers,
    });
    const held = heldOf(shape, layers);
    if (opened.isShared && opened.root !== undefined) {
      await fetchShared(host, { wanted: { root: opened.root, ...held }, onProgress });
    }
    const root = opened.root ??
      (layers === undefined || opened.path === undefined
        ? undefined
        : await adoptedRoot(host, opened.path));
    const executor = await engine.load({
      file,
      source,
      shape,
      ...(layers === undefined ? {} : { layers }),
      ...(config.context === undefined ? {} : { contextMax: config.context }),
      ...(config.kvBytesMax === undefined ? {} : { kvBytesMax: config.kvBytesMax }),
      ...(config.kvType === undefined ? {} : { keyValueType: config.kvType }),
      ...(config.threads === undefined ? {} : { threads: config.threads }),
      ...(root === undefined ? {} : { root }),
      signal: host.signal,
      onProgress,
    });
    const spread = layers === undefined
      ? undefined
      : spreadOver(desk, { root, executor, held, file });
    const contextMax = contextOf(executor);
    const contextLimit = contextLimitOf(shape);
    if (config.context === undefined && contextMax < contextLimit) {
      host.log.warn("The context is shorter than the model's as no more fits", {
        model: id,
        contextMax,
        contextLimit,
      });
    }
    const place = { root, path: opened.path, own: executor };
    return describeModel({ ...place, id, file, tokenizer, spread, contextMax }, host);
  } finally {
    await source.close();
  }
}

/**
 * Opens a model that peers compute: its header and tokenizer are fetched, its layers are theirs.
 *
 * @throws {RpcError} when nobody has the header; {ModelError}
 */
export async function openMeshModel(
  { root, name, numericClass }: MeshModel,
  { host, desk }: Pick<LoadOptions, "host" | "desk">,
): Promise<LoadedModel> {
  const { path } = await fetchShared(host, { wanted: { root }, onProgress: () => {} });
  const source = await fileSource(host.disk, path);
  try {
    const file = await openGguf(source);
    const shape = readModelShape(file);
    const tokenizer = loadTokenizer(file);
    const contextMax = contextLimitOf(shape);
    const spread = desk.pipeline({ shape, root, numericClass, contextMax });
    const place = { root, path, own: undefined };
    return describeModel({ ...place, id: name, file, tokenizer, spread, contextMax }, host);
  } finally {
    await source.close();
  }
}

/** The model of some layers here and the others elsewhere. */
function spreadOver(
  desk: StageDesk,
  { root, executor, held, file }: {
    readonly root: string | undefined;
    readonly executor: ModelExecutor;
    readonly held: PartHeld;
    readonly file: GgufFile;
  },
): PipelineExecutor {
  if (root === undefined) {
    throw new RangeError(
      `Cannot compute some layers of ${file.name} as others would not know which model it is: add it with skep model add`,
    );
  }
  const { shape, numericClass } = executor;
  const contextMax = contextOf(executor);
  const { embedding, head } = held;
  return desk.pipeline({ shape, root, numericClass, contextMax }, {
    root,
    executor,
    embedding,
    head,
  });
}

/** What a node with some layers holds: embedding and head go with the first and the last. */
interface PartHeld {
  readonly layers: LayerRange;
  readonly embedding: boolean;
  readonly head: boolean;
}

function heldOf({ layerCount }: ModelShape, layers: LayerRange | undefined): PartHeld {
  const run = layers ?? { from: 0, to: layerCount };
  return { layers: run, embedding: run.from === 0, head: run.to === layerCount };
}

/** What a model is made of. */
interface ModelParts {
  readonly id: string;
  readonly file: GgufFile;
  readonly tokenizer: Tokenizer;
  readonly root: string | undefined;
  readonly path: string | undefined;
  readonly own: ModelExecutor | undefined;
  readonly spread: PipelineExecutor | undefined;
  readonly contextMax: number;
}

function describeModel(parts: ModelParts, { clock, metrics }: Host): LoadedModel {
  const { id, file, tokenizer, root, own, spread } = parts;
  const executor = spread ?? own;
  if (executor === undefined) throw new TypeError("Cannot describe a model that nobody computes");
  const digest = root?.slice(0, 16) ?? headerDigest(file);
  return {
    ...parts,
    executor,
    createdSeconds: Math.floor(clock.nowMs() / 1000),
    fingerprint: `${executor.numericClass}:${id}:${digest}`,
    pieceUnitsMax: longestToken(tokenizer),
    grammars: new GrammarStore({
      tokenizer,
      vocabularySize: executor.shape.vocabularySize,
      clock,
      metrics,
    }),
  };
}

/** Looks at what was asked for before anything is loaded. @throws {RangeError} naming the settings */
export function checkContext(
  { context, kvBytesMax, kvType }: InferenceConfig,
  shape: ModelShape,
): void {
  const limit = contextLimitOf(shape);
  if (context !== undefined && context > limit) {
    throw new RangeError(
      `Cannot load the model as "inference.context" must be at most ${limit}, the model's own: current value is ${context}`,
    );
  }
  if (kvBytesMax === undefined) return;
  const pageBytes = pageBytesOf(shape, kvType ?? "f32");
  const fits = Math.min(limit, Math.floor(kvBytesMax / pageBytes) * pagePositions);
  if (fits === 0) {
    throw new RangeError(
      `Cannot load the model as "inference.kvBytesMax" must be at least ${pageBytes}, for ${pagePositions} positions: current value is ${kvBytesMax}`,
    );
  }
  if (context === undefined || context <= fits) return;
  const needed = Math.ceil(context / pagePositions) * pageBytes;
  throw new RangeError(
    `Cannot load the model as "inference.context" of ${context} positions needs an "inference.kvBytesMax" of ${needed}: current value is ${kvBytesMax}, which holds a context of ${fits}`,
  );
}

/** An executor that tells of no pages keeps its positions elsewhere. */
function contextOf(executor: ModelExecutor): number {
  const { total } = executor.pages();
  return total === 0 ? executor.contextMax : Math.min(executor.contextMax, total * pagePositions);
}

function nameOf(model: string): string {
  return model === "embedded" ? EMBEDDED_MODEL_NAME : basename(model).replace(/\.gguf$/i, "");
}

function longestToken(tokenizer: Tokenizer): number {
  let longest = 1;
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    longest = Math.max(longest, tokenizer.tokenText(id).length);
  }
  return longest;
}

/** Hashing all weights would double the time to load; the header names every tensor and its place. */
function headerDigest(file: GgufFile): string {
  const hash = createHash("sha256");
  hash.update(`${file.version} ${file.sizeBytes}\n`);
  for (const { name, type, shape, offset } of file.tensors.values()) {
    hash.update(`${JSON.stringify(name)} ${type} ${shape.join("x")} ${offset}\n`);
  }
  return hash.digest("hex").slice(0, 8);
}
