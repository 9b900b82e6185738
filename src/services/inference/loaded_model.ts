/**
 * A model made ready: its file's header, tokenizer and executor, and the names it is known by.
 */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { contextLimitOf, type ModelExecutor, pageBytesOf } from "../../engine/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import {
  chatTemplate,
  EMBEDDED_MODEL_NAME,
  findModel,
  loadTokenizer,
  openFoundModel,
  openGguf,
  readModelShape,
} from "../../model/mod.ts";
import type {
  ByteSource,
  GgufFile,
  ModelManifest,
  ModelShape,
  Tokenizer,
} from "../../model/mod.ts";
import type { InferenceConfig } from "./config.ts";
import type { Engine } from "./engine.ts";
import { GrammarStore } from "./grammar_store.ts";
import { pagePositions } from "./limits.ts";
import type { ModelCapability, ModelEntry, ModelInfo } from "./schemas.ts";

/** A model that can be asked. */
export interface LoadedModel {
  readonly id: string;
  readonly file: GgufFile;
  readonly tokenizer: Tokenizer;
  readonly executor: ModelExecutor;
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

/**
 * Opens and loads the configured model; progress is published at `loadTopic`.
 *
 * @throws {ModelError} or {EngineError}, with one sentence that names the file
 */
export async function loadModel(
  config: InferenceConfig,
  options: { readonly host: Host; readonly engine: Engine },
): Promise<LoadedModel> {
  const { host, engine } = options;
  const { source, manifest } = await openModel(config.model, host);
  try {
    const file = await openGguf(source);
    const shape = readModelShape(file);
    checkContext(config, shape);
    const tokenizer = loadTokenizer(file);
    const id = config.name ?? nameOf(config.model);
    const executor = await engine.load({
      file,
      source,
      shape,
      ...(config.context === undefined ? {} : { contextMax: config.context }),
      ...(config.kvBytesMax === undefined ? {} : { kvBytesMax: config.kvBytesMax }),
      ...(config.kvType === undefined ? {} : { keyValueType: config.kvType }),
      ...(config.threads === undefined ? {} : { threads: config.threads }),
      ...(manifest === undefined ? {} : { root: manifest.root }),
      signal: host.signal,
      onProgress: (loadedBytes: number, totalBytes: number): void =>
        host.bus.publish(loadTopic, { name: id, loadedBytes, totalBytes }),
    });
    const createdSeconds = Math.floor(host.clock.nowMs() / 1000);
    const digest = manifest?.root.slice(0, 16) ?? headerDigest(file);
    const fingerprint = `${executor.numericClass}:${id}:${digest}`;
    const pieceUnitsMax = longestToken(tokenizer);
    const contextMax = contextOf(executor);
    const contextLimit = contextLimitOf(shape);
    if (config.context === undefined && contextMax < contextLimit) {
      host.log.warn("The context is shorter than the model's as no more fits", {
        model: id,
        contextMax,
        contextLimit,
      });
    }
    return {
      id,
      file,
      tokenizer,
      executor,
      createdSeconds,
      contextMax,
      fingerprint,
      pieceUnitsMax,
      grammars: new GrammarStore({
        tokenizer,
        vocabularySize: shape.vocabularySize,
        clock: host.clock,
        metrics: host.metrics,
      }),
    };
  } finally {
    await source.close();
  }
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

/** What is listed of a model. */
export function modelEntry(model: LoadedModel): ModelEntry {
  return {
    id: model.id,
    createdSeconds: model.createdSeconds,
    ownedBy: "skep",
    contextMax: model.contextMax,
    capabilities: capabilitiesOf(model.executor.shape),
  };
}

/** An encoder pools its positions and has no head; whatever has one chats and completes. */
function capabilitiesOf({ family }: ModelShape): readonly ModelCapability[] {
  return family.pooling === undefined ? ["chat", "completions"] : ["embeddings"];
}

/** All that is told of a model. */
export function modelInfo(model: LoadedModel): ModelInfo {
  const { shape, numericClass } = model.executor;
  return {
    ...modelEntry(model),
    numericClass,
    fingerprint: model.fingerprint,
    source: model.file.name,
    sizeBytes: model.file.sizeBytes,
    layerCount: shape.layerCount,
    width: shape.width,
    vocabularySize: shape.vocabularySize,
    hasChatTemplate: chatTemplate(model.file) !== undefined,
  };
}

/** The model's bytes, and the manifest that vouches for them. */
async function openModel(
  model: string,
  { disk, directories, log }: Host,
): Promise<{ readonly source: ByteSource; readonly manifest: ModelManifest | undefined }> {
  const place = { disk, directory: directories.models };
  const found = await findModel(place, model);
  if (found.hasChanged && await disk.stat(found.path ?? "") !== undefined) {
    log.warn("The model's file has changed since it was added", {
      path: found.path,
      advice: "add it again with skep model add, or check it with skep model verify",
    });
  }
  // A file that was written to since is not the one whose root is known.
  const manifest = found.hasChanged ? undefined : found.manifest;
  return { source: await openFoundModel(place, found), manifest };
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
